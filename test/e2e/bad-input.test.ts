import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { type Cluster, createCluster } from 'kernetes';
import { type Schema, schemaOf } from 'kernetes/sdk';
import { parse } from 'yaml';
import { type Fields, Http, jsonOf, type Reply } from './http.ts';
import { apiOnly } from './profiles.ts';
import { Chance, deleteOptionsOf, jsonPatchOf, mutated, valueFor } from './random-bodies.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';

/** Looks at each triple of numbers. */
const CUBED = 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))';

const WIDGETS = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              data: {
                type: 'object',
                additionalProperties: { type: 'string', pattern: '^(a+)+$' },
              },
              numbers: {
                type: 'array',
                maxItems: 300,
                items: { type: 'integer' },
                'x-kubernetes-validations': [{ rule: CUBED }],
              },
            },
          },
        },
      },
    ],
  },
};

/** Whatever comes, the answer is a clear one, and everybody else is served. */
describe('bad input', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let http: Http;

  before(async () => {
    cluster = await createCluster({ nodes: 0, profile: apiOnly(), logLevel: 'silent' });
    http = Http.of(await cluster.kubeconfig());
    await http.json('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await http.json('POST', definitions, WIDGETS);
  });
  after(() => cluster?.close());

  const post = (body: string | Buffer, type = JSON_TYPE, query = '') =>
    http.call('POST', CONFIG_MAPS + query, { body, headers: { 'content-type': type } });

  describe('bodies', () => {
    const object = 'the object provided is unrecognized (must be of type ConfigMap): ';
    const unread = `${object}couldn't get version/kind; json parse error: `;
    const cases: readonly [
      title: string,
      body: string,
      type: string,
      code: number,
      text: string,
    ][] = [
      [
        'JSON that breaks off',
        '{"kind":',
        JSON_TYPE,
        400,
        `${unread}unexpected end of JSON input ({"kind":)`,
      ],
      ['nothing', '', JSON_TYPE, 400, `${unread}unexpected end of JSON input (<empty>)`],
      ['YAML as JSON', 'a: b', JSON_TYPE, 400, `${unread}invalid character 'a' looking`],
      ['a byte order mark', '\uFEFF{}', JSON_TYPE, 400, `${unread}invalid character 'ï' looking`],
      ['too many levels', '['.repeat(10_001), JSON_TYPE, 400, `${unread}exceeded max depth`],
      ['many levels', `{"x":${'['.repeat(9_000)}${']'.repeat(9_000)}}`, JSON_TYPE, 422, ''],
      ['a number beyond all', '{"x":1e400}', JSON_TYPE, 400, 'json: cannot unmarshal number 1e400'],
      ['a body without end', `"${'x'.repeat(4 << 20)}"`, JSON_TYPE, 413, 'limit is 3145728'],
      ['an unknown type', '{}', 'text/plain', 415, 'the body of the request was in an unknown'],
      [
        'aliases that multiply',
        'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c]\n',
        YAML_TYPE,
        400,
        'Excessive alias count',
      ],
      ['an alias of itself', 'metadata: &a {b: *a}', YAML_TYPE, 400, 'circular structure'],
      ['infinity', 'metadata: {name: x, generation: .inf}', YAML_TYPE, 400, 'value: +Inf'],
      ['a second document', 'a: b\n---\n[', YAML_TYPE, 422, 'name or generateName is required'],
      ['binary that is none', 'data: {a: !!binary "="}', YAML_TYPE, 400, 'invalid base64 data'],
      ['levels of YAML', '['.repeat(50_000), YAML_TYPE, 400, 'error parsing YAML'],
      [
        'protobuf that is none',
        'k8s\0\xff\xff\xff\xff',
        'application/vnd.kubernetes.protobuf',
        400,
        '',
      ],
    ];
    for (const [title, body, type, code, text] of cases) {
      it(`${title}: ${code}`, async () => {
        const reply = await post(body, type);
        assert.equal(reply.code, code, reply.body.toString().slice(0, 300));
        const { kind, message = '' } = jsonOf(reply);
        assert.equal(kind, 'Status');
        assert.ok(message.includes(text), message.slice(0, 300));
      });
    }

    it('a field that stands twice is warned of, or refused', async () => {
      const body = '{"metadata":{"name":"twice"},"data":{"a":"1","a":"2"},"x":1}';
      const strict = await post(body, JSON_TYPE, '?fieldValidation=Strict');
      assert.equal(
        jsonOf(strict).message,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: ' +
          'strict decoding error: duplicate field "data.a", unknown field "x"',
      );
      const warned = await post(body);
      assert.match(String(warned.headers.warning), /299 - "duplicate field \\"data.a\\""/);
      assert.deepEqual(jsonOf(warned).data, { a: '2' });
    });

    it('bytes that are no UTF-8 become U+FFFD', async () => {
      const start = '{"metadata":{"name":"utf8"},"data":{"a":"';
      const body = Buffer.concat([Buffer.from(start), Buffer.from([0xff]), Buffer.from('"}}')]);
      assert.deepEqual(jsonOf(await post(body)).data, { a: '\uFFFD' });
    });

    it('__proto__ and constructor are keys like any, all the way', async () => {
      const data = '{"__proto__":"p","constructor":"c","toString":"t"}';
      await post(`{"metadata":{"name":"keys"},"data":${data}}`);
      const path = `${CONFIG_MAPS}/keys`;
      const patches = [
        ['application/merge-patch+json', '{"data":{"__proto__":"q"}}'],
        ['application/strategic-merge-patch+json', '{"data":{"constructor":"q"}}'],
        ['application/json-patch+json', '[{"op":"add","path":"/data/toString","value":"q"}]'],
      ];
      for (const [type, body] of patches) {
        const reply = await http.call('PATCH', path, {
          body,
          headers: { 'content-type': type ?? '' },
        });
        assert.equal(reply.code, 200);
      }
      const { body } = await http.call('GET', path);
      assert.match(body.toString(), /"data":\{"__proto__":"q","constructor":"q","toString":"q"\}/);
      assert.equal(({} as { readonly polluted?: unknown }).polluted, undefined);
    });

    it('many keys of YAML take no square of their time', async () => {
      const keys = Array.from({ length: 20_000 }, (_, index) => `  k${index}: v\n`).join('');
      const reply = await post(`metadata: {name: many}\ndata:\n${keys}`, YAML_TYPE);
      assert.equal(reply.code, 201);
    });

    it('a field that stands twice in YAML is told with its line', async () => {
      const body = 'metadata: {name: lines}\ndata:\n  a: b\n  a: c\n';
      const strict = await post(body, YAML_TYPE, '?fieldValidation=Strict');
      assert.equal(
        jsonOf(strict).message,
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' +
          'yaml: unmarshal errors:\n  line 4: key "a" already set in map',
      );
      assert.deepEqual(jsonOf(await post(body, YAML_TYPE)).data, { a: 'c' });
    });

    it('others are served while much YAML is read and written', async () => {
      const data = Object.fromEntries(
        Array.from({ length: 20_000 }, (_, n) => [`k${n}`, `v ${n}`]),
      );
      const note = 'x'.repeat(125);
      const lines = Object.entries(data).map(([key, value]) => `  ${key}: ${value} # ${note}\n`);
      const text = `metadata: {name: long}\ndata:\n${lines.join('')}`;
      assert.ok(text.length > 2_800_000 && text.length < 3 << 20, String(text.length));
      const made = await beside(http, post(text, YAML_TYPE));
      assert.equal(made.code, 201, made.body.toString().slice(0, 300));
      assert.deepEqual(jsonOf(made).data, data);
      const headers = { accept: YAML_TYPE };
      const list = await beside(http, http.call('GET', CONFIG_MAPS, { headers }));
      const read = parse(list.body.toString(), { uniqueKeys: false });
      assert.deepEqual(read, jsonOf(await http.call('GET', CONFIG_MAPS)));
    });
  });

  describe('objects that take long to check', () => {
    const widgets = '/apis/example.com/v1/namespaces/default/widgets';
    const cases = [
      {
        title: 'a text that a backtracking engine never ends with',
        body: { data: { a: `${'a'.repeat(100_000)}!` } },
        text: "should match '^(a+)+$'",
      },
      {
        title: 'a list that a rule takes the cube of',
        body: { numbers: Array(300).fill(1) },
        text: 'no further validation rules will be run due to call cost exceeds limit for rule',
      },
    ];
    for (const { title, body, text } of cases) {
      it(`${title}: 422`, async () => {
        const metadata = { name: 'long' };
        const reply = await http.call('POST', widgets, { body: { metadata, ...body } });
        assert.equal(reply.code, 422, reply.body.toString().slice(0, 300));
        assert.ok(jsonOf(reply).message?.includes(text), reply.body.toString().slice(-300));
      });
    }
  });

  describe('requests', () => {
    const values = Array.from({ length: 60_000 }, (_, n) => `v${n}`).join();
    const cases = [
      { path: `${CONFIG_MAPS}/a%2Fb`, code: 400, text: "may not contain '/'" },
      { path: `${CONFIG_MAPS}/%zz`, code: 400, text: 'is not URL-encoded' },
      { path: `${CONFIG_MAPS}/%00`, code: 404, text: 'not found' },
      { path: `${CONFIG_MAPS}/..`, code: 400, text: "may not be '..'" },
      { path: '/api/v1/namespaces/%2e%2e/secrets', code: 400, text: "may not be '..'" },
      { path: '/api//v1/namespaces', code: 404, text: '' },
      { path: `${CONFIG_MAPS}?timeout=soon`, code: 400, text: 'invalid duration \\"soon\\"' },
      { path: `${CONFIG_MAPS}?limit=x`, code: 400, text: 'strconv' },
      { path: `${CONFIG_MAPS}?labelSelector=${'('.repeat(900_000)}`, code: 400, text: 'found' },
      {
        path: `${CONFIG_MAPS}?labelSelector=a+in+(${values})`,
        code: 200,
        text: '"items":[]',
      },
      {
        path: `${CONFIG_MAPS}?labelSelector=${values.replaceAll('v', '!v')}`,
        code: 200,
        text: '"kind":"ConfigMapList"',
      },
      { path: `${CONFIG_MAPS}?continue=${'A'.repeat(900_000)}`, code: 400, text: 'continue' },
      { path: `/${'x'.repeat(1_100_000)}`, code: 431, text: '' },
    ];
    for (const { path, code, text } of cases) {
      it(`${path.slice(0, 70)}: ${code}`, async () => {
        const reply = await http.call('GET', path);
        assert.equal(reply.code, code, reply.body.toString().slice(0, 300));
        assert.ok(reply.body.toString().includes(text), reply.body.toString().slice(0, 300));
      });
    }

    it('a media type that is not served: 406', async () => {
      const reply = await http.call('GET', CONFIG_MAPS, { headers: { accept: 'text/html' } });
      assert.equal(jsonOf(reply).reason, 'NotAcceptable');
      assert.equal(reply.code, 406);
    });

    it('a watch in YAML: 406', async () => {
      const headers = { accept: YAML_TYPE };
      const reply = await http.call('GET', `${CONFIG_MAPS}?watch=true`, { headers });
      assert.equal(reply.code, 406);
      assert.match(jsonOf(reply).message ?? '', /are accepted: application\/json;stream=watch$/);
    });

    const raw = [
      {
        title: 'an absolute URL',
        text: 'GET https://x/version HTTP/1.1\r\nHost: x',
        want: / 200 /,
      },
      { title: 'no HTTP', text: '\0\x01\x02', want: / 400 / },
      {
        title: 'two lengths',
        text: `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3`,
        want: / 400 /,
      },
      {
        title: 'a length, and chunks',
        text: `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked`,
        want: / 400 /,
      },
      {
        title: 'a body too long that is asked for before',
        text: `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: 100-continue`,
        want: /^HTTP\/1.1 413 /,
      },
      {
        title: 'two requests at once',
        text: 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\nHost: x',
        want: / 200 OK[\s\S]*okHTTP\/1.1 200 OK[\s\S]*gitVersion/,
      },
    ];
    for (const { title, text, want } of raw) {
      it(title, async () => assert.match(await exchange(http, `${text}\r\n\r\n`, want), want));
    }
  });

  it('random objects and patches of every kind have a Status or an object for an answer', async () => {
    const targets = await targetsOf(http);
    const numbers = fc.record({
      target: fc.nat({ max: targets.length - 1 }),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(numbers, async ({ target, seed }) => {
        const { method, path, type, body } = callFor(targets[target] as Target, seed);
        const reply = await http.call(method, path, { body, headers: { 'content-type': type } });
        const { kind, message = '', code } = jsonOf(reply);
        assert.equal(typeof kind, 'string');
        // Upstream tells a configuration that does not fit its schema so.
        if (/^failed to create typed patch object/.test(message)) return;
        assert.ok(reply.code < 500, `${method} ${path} ${type}: ${body}: ${reply.code} ${message}`);
        if (reply.code >= 400) assert.deepEqual([kind, code], ['Status', reply.code]);
      }),
      { numRuns: RUNS, seed: SEED, includeErrorInReport: true },
    );
    assert.equal((await http.call('GET', '/readyz')).code, 200);
    assert.equal(({} as { readonly polluted?: unknown }).polluted, undefined);
  });
});

const RUNS = Number(process.env.BAD_INPUT_RUNS ?? 400);
const SEED = Number(process.env.BAD_INPUT_SEED ?? 20);

/** Nobody else waits for most of the time that a call takes. */
async function beside(http: Http, call: Promise<Reply>): Promise<Reply> {
  const started = performance.now();
  let isDone = false;
  let slowest = 0;
  const done = call.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const asked = performance.now();
    assert.equal((await http.call('GET', '/readyz')).code, 200);
    slowest = Math.max(slowest, performance.now() - asked);
  }
  const all = performance.now() - started;
  assert.ok(slowest < all / 2, `${slowest} of ${all} ms`);
  return done;
}

/** What is answered to a text up to what is wanted, or to the end. */
function exchange(http: Http, text: string, want: RegExp): Promise<string> {
  const { hostname: host, port } = http.server;
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host, port: Number(port), ...http.tls }, () => socket.write(text));
    socket.on('data', data => {
      answer += data;
      if (want.test(answer)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

interface Target {
  /** `/api/v1`, `/apis/apps/v1` */
  readonly base: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly schema: Schema;
}

interface ResourceList {
  readonly groups?: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly group?: string;
    readonly version?: string;
  }[];
}

/** Every resource and subresource that is served and carries objects. */
async function targetsOf(http: Http): Promise<Target[]> {
  const { groups = [] } = await http.json<ResourceList>('GET', '/apis');
  const versions = groups.flatMap(({ versions }) => versions.map(each => each.groupVersion));
  const targets: Target[] = [];
  for (const served of ['v1', ...versions]) {
    const base = served === 'v1' ? '/api/v1' : `/apis/${served}`;
    const { resources = [] } = await http.json<ResourceList>('GET', base);
    for (const { name, kind, namespaced, group, version } of resources) {
      const [resource = '', subresource = ''] = name.split('/');
      if (/^(attach|exec|log|portforward|proxy)$/.test(subresource)) continue;
      const [ownGroup = '', ownVersion = ''] = served === 'v1' ? ['', 'v1'] : served.split('/');
      const of = version
        ? { group: group ?? '', version }
        : { group: ownGroup, version: ownVersion };
      const schema = schemaOf(of.group, of.version, kind) ?? schemaOf('', 'v1', 'ConfigMap');
      assert.ok(schema);
      const apiVersion = of.group ? `${of.group}/${of.version}` : of.version;
      targets.push({ base, apiVersion, resource, subresource, namespaced, kind, schema });
    }
  }
  return targets;
}

/** Nothing that was made before is needed: a name may exist or not. */
function callFor(target: Target, seed: number) {
  const chance = new Chance(seed);
  const { base, resource, subresource, namespaced, apiVersion, kind } = target;
  const name = chance.of(['a', 'web', 'keys']);
  const method = chance.of(['POST', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE']);
  const list = `${base}${namespaced ? '/namespaces/default' : ''}/${resource}`;
  const isWhole = method === 'POST' && subresource === '';
  const path = isWhole ? list : `${list}/${name}${subresource ? `/${subresource}` : ''}`;
  const random = valueFor(target.schema, chance) as Partial<Fields> | null;
  const metadata = { ...(chance.next() < 0.3 && random?.metadata), name, finalizers: undefined };
  const object =
    method === 'DELETE' ? deleteOptionsOf(chance) : { ...random, apiVersion, kind, metadata };
  const value = mutated(object, chance);
  const patch = chance.of(PATCH_TYPES);
  const type = method === 'PATCH' ? patch : JSON_TYPE;
  const body = JSON.stringify(type === JSON_PATCH ? jsonPatchOf(value, chance) : value) ?? '';
  const query = new URLSearchParams({
    fieldValidation: chance.of(['Strict', 'Warn', 'Ignore']),
    ...(chance.next() < 0.3 && { dryRun: 'All' }),
    ...(type.endsWith('yaml') && { fieldManager: 'f', force: 'true' }),
  });
  const sent = chance.next() < 0.03 ? body.slice(0, chance.below(body.length)) : body;
  return { method, path: `${path}?${query}`, type, body: sent };
}

const JSON_PATCH = 'application/json-patch+json';
const PATCH_TYPES = [
  JSON_PATCH,
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];
