import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Schema, schemaFrom, schemaOf } from 'kernetes/sdk';
import { decode } from './decoder.ts';

const CORE = { group: '', version: 'v1' };

function decodeKind(kind: string, body: unknown, group = '', version = 'v1') {
  const schema = schemaOf(group, version, kind) as Schema;
  return decode(body, schema, { group, version, kind });
}

function container(fields: object): object {
  return { spec: { containers: [{ name: 'c', ...fields }] } };
}

test('decode() puts kind, apiVersion and metadata first and always there', () => {
  const { object } = decodeKind('ConfigMap', { data: { a: 'b' }, metadata: null, apiVersion: 'x' });
  assert.equal(
    JSON.stringify(object),
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{},"data":{"a":"b"}}',
  );
  const { object: deployment } = decodeKind('Deployment', {}, 'apps');
  assert.equal(
    JSON.stringify(deployment),
    '{"kind":"Deployment","apiVersion":"apps/v1","metadata":{}}',
  );
});

test('decode() drops and reports unknown fields by path', () => {
  const body = {
    nope: 1,
    metadata: { name: 'x', lables: {} },
    spec: { containers: [{ name: 'c' }, { name: 'd', ports: [{ port: 1 }], immage: 'i' }] },
  };
  const { object, unknown } = decodeKind('Pod', body);
  assert.deepEqual(unknown, [
    'nope',
    'metadata.lables',
    'spec.containers[1].ports[0].port',
    'spec.containers[1].immage',
  ]);
  assert.deepEqual(object, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'x' },
    spec: { containers: [{ name: 'c' }, { name: 'd', ports: [{}] }] },
  });
});

test('decode() neither changes nor shares its argument', () => {
  const body = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c' }] } };
  const before = structuredClone(body);
  const { object } = decodeKind('Pod', body);
  object.metadata.labels = { c: 'd' };
  const { spec } = object as unknown as typeof body;
  spec.containers[0] = { name: 'other' };
  assert.deepEqual(body, before);
});

const VALUES: readonly (readonly [string, string, object, object])[] = [
  [
    'a cpu as number',
    'Pod',
    container({ resources: { limits: { cpu: 0.1 } } }),
    container({ resources: { limits: { cpu: '100m' } } }),
  ],
  [
    'memory',
    'Pod',
    container({ resources: { limits: { memory: ' 1024Mi' } } }),
    container({ resources: { limits: { memory: '1Gi' } } }),
  ],
  ['null fields', 'Pod', { spec: { nodeName: null, containers: null } }, { spec: {} }],
  ['nulls in maps', 'ConfigMap', { data: { a: null } }, { data: { a: '' } }],
  ['nulls in lists', 'Pod', container({ args: ['a', null] }), container({ args: ['a', ''] })],
  [
    'empty lists and maps',
    'Pod',
    { metadata: { labels: {}, finalizers: [] }, spec: { containers: [] } },
    { spec: { containers: [] } },
  ],
  [
    'empty structs',
    'Pod',
    { spec: { volumes: [{ name: 'v', emptyDir: {} }], securityContext: {}, containers: [] } },
    { spec: { volumes: [{ name: 'v', emptyDir: {} }], securityContext: {}, containers: [] } },
  ],
  [
    'a time zone',
    'Pod',
    { metadata: { creationTimestamp: '2024-01-01T02:00:00.5+02:00' } },
    { metadata: { creationTimestamp: '2024-01-01T00:00:00Z' } },
  ],
  [
    'bytes',
    'Secret',
    { data: { a: 'YR==', b: 'aGVs\nbG8=', c: '' } },
    { data: { a: 'YQ==', b: 'aGVsbG8=', c: '' } },
  ],
  [
    'ports by name',
    'Service',
    { spec: { ports: [{ port: 80, targetPort: 'http' }] } },
    { spec: { ports: [{ port: 80, targetPort: 'http' }] } },
  ],
  [
    'a key __proto__',
    'ConfigMap',
    JSON.parse('{"data":{"__proto__":"x"}}'),
    JSON.parse('{"data":{"__proto__":"x"}}'),
  ],
];

for (const [name, kind, body, want] of VALUES) {
  test(`decode() reads ${name}`, () => {
    const { object, unknown } = decodeKind(kind, body);
    assert.deepEqual(unknown, []);
    const wanted = { kind, apiVersion: 'v1', metadata: {}, ...want };
    assert.equal(JSON.stringify(object), JSON.stringify(wanted));
  });
}

test('decode() keeps micro times at six digits', () => {
  const { object } = decodeKind(
    'Lease',
    { spec: { renewTime: '2024-01-01T00:00:00Z', acquireTime: '2024-01-01T00:00:00.1234567Z' } },
    'coordination.k8s.io',
  );
  assert.deepEqual((object as unknown as { spec: object }).spec, {
    renewTime: '2024-01-01T00:00:00.000000Z',
    acquireTime: '2024-01-01T00:00:00.123456Z',
  });
});

const REFUSED: readonly (readonly [string, unknown, string | RegExp])[] = [
  ['Pod', 'x', 'json: cannot unmarshal string into Go value of type v1.Pod'],
  ['Pod', [], 'json: cannot unmarshal array into Go value of type v1.Pod'],
  [
    'Pod',
    { spec: { containers: 'x' } },
    'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container',
  ],
  [
    'Pod',
    container({ env: [{ name: 'a', value: 1 }] }),
    'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
  ],
  [
    'Pod',
    { metadata: { labels: { a: true } } },
    'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
  ],
  [
    'Pod',
    { metadata: [] },
    'json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta',
  ],
  [
    'Pod',
    { spec: { priority: 1.5 } },
    'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32',
  ],
  ['Pod', { spec: { priority: 2 ** 31 } }, /number 2147483648 into .* of type int32/],
  [
    'Pod',
    { spec: { hostNetwork: 'yes' } },
    /string into Go struct field PodSpec.spec.hostNetwork of type bool/,
  ],
  ['Pod', { metadata: { generation: 2 ** 63 } }, /of type int64/],
  [
    'Pod',
    { metadata: { creationTimestamp: 'soon' } },
    'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
  ],
  ['Pod', { metadata: { creationTimestamp: '2024-02-30T00:00:00Z' } }, /parsing time/],
  ['Pod', { metadata: { creationTimestamp: '2024-01-01T24:00:00Z' } }, /parsing time/],
  [
    'Pod',
    container({ resources: { limits: { cpu: 'abc' } } }),
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
  ['Pod', container({ resources: { limits: { cpu: true } } }), /bool into Go struct field/],
  ['Secret', { data: { a: 'Y' } }, 'illegal base64 data at input byte 0'],
  ['Secret', { data: { a: 'YWFh%' } }, 'illegal base64 data at input byte 4'],
  [
    'Service',
    { spec: { ports: [{ targetPort: {} }] } },
    /object into Go struct field ServicePort.spec.ports.targetPort of type int32/,
  ],
];

for (const [kind, body, message] of REFUSED) {
  test(`decode() refuses ${JSON.stringify(body)}`, () => {
    assert.throws(
      () => decodeKind(kind, body),
      error => {
        if (!ApiError.is(error, 'BadRequest')) return false;
        const start = `${kind} in version "v1" cannot be handled as a ${kind}: `;
        assert.ok(error.message.startsWith(start), error.message);
        const why = error.message.slice(start.length);
        if (typeof message === 'string') assert.equal(why, message);
        else assert.match(why, message);
        return true;
      },
    );
  });
}

test('decode() refuses what nests too deep, whether raw or by a schema that holds itself', () => {
  let raw: object = {};
  let schema: object = {};
  for (let i = 0; i < 5000; i++) {
    raw = { a: raw };
    schema = { not: schema };
  }
  const kind = ['CustomResourceDefinition', 'apiextensions.k8s.io', 'v1'] as const;
  const version = { name: 'v1', schema: { openAPIV3Schema: schema } };
  assert.throws(
    () => decodeKind(kind[0], { spec: { versions: [version] } }, kind[1], kind[2]),
    /exceeded max depth/,
  );
  const revision = () => decodeKind('ControllerRevision', { data: raw }, 'apps');
  assert.throws(revision, /exceeded max depth/);
});

const CUSTOM = schemaFrom({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        note: { type: 'string', nullable: true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        template: { type: 'object', 'x-kubernetes-embedded-resource': true },
      },
    },
  },
});

test('decode() prunes custom resources and leaves wrong types to their validation', () => {
  const body = {
    metadata: { name: 'x' },
    spec: {
      size: 'big',
      note: null,
      free: { any: [1, null] },
      template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'y' }, spec: {} },
      extra: 1,
    },
  };
  const { object, unknown } = decode(body, CUSTOM, {
    ...CORE,
    group: 'example.com',
    kind: 'Thing',
  });
  assert.deepEqual(unknown, ['spec.template.spec', 'spec.extra']);
  assert.deepEqual(object, {
    kind: 'Thing',
    apiVersion: 'example.com/v1',
    metadata: { name: 'x' },
    spec: {
      size: 'big',
      note: null,
      free: { any: [1, null] },
      template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'y' } },
    },
  });
  assert.throws(
    () => decode({ metadata: { name: 1 } }, CUSTOM, { ...CORE, kind: 'Thing' }),
    /ObjectMeta.metadata.name of type string/,
  );
});
