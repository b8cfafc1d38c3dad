import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { assertStatus, type Fields, jsonOf } from './http.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http } = await startCluster({ nodes: 0 });
after(() => cluster.close());

const NAMESPACE = '/api/v1/namespaces/default';
const CONFIG_MAPS = `${NAMESPACE}/configmaps`;
const SERVICES = `${NAMESPACE}/services`;
const PODS = `${NAMESPACE}/pods`;
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** Writes over HTTPS. */
describe('writes over HTTPS', { timeout: 60_000 }, () => {
  const create = (name: string, more = {}) =>
    http.json('POST', CONFIG_MAPS, { metadata: { name }, ...more });

  it('dryRun answers as if, and changes nothing', async () => {
    const body = { metadata: { name: 'dry' }, data: { a: 'b' } };
    const made = await http.json('POST', `${CONFIG_MAPS}?dryRun=All`, body);
    assert.ok(made.metadata.uid);
    assert.equal((await http.call('GET', `${CONFIG_MAPS}/dry`)).code, 404);
    const kept = await create('dry', { data: { a: 'b' } });
    const path = `${CONFIG_MAPS}/dry?dryRun=All`;
    assert.equal((await http.json('PATCH', path, { data: { a: 'c' } }, MERGE)).data?.a, 'c');
    assert.equal((await http.json('PUT', path, { ...kept, data: { a: 'd' } })).data?.a, 'd');
    await http.json('DELETE', path);
    await http.json('DELETE', `${CONFIG_MAPS}/dry`, { dryRun: ['All'] });
    assert.deepEqual(await http.json('GET', `${CONFIG_MAPS}/dry`), kept);
    assert.equal((await http.call('POST', `${CONFIG_MAPS}?dryRun=Some`, { body })).code, 400);
    const service = {
      metadata: { name: 'dry' },
      spec: { ports: [{ port: 80 }], clusterIP: '10.96.7.7' },
    };
    for (let i = 0; i < 2; i++) await http.json('POST', `${SERVICES}?dryRun=All`, service);
  });

  it('fieldValidation tells, refuses or ignores what the schema does not have', async () => {
    const body = (name: string) => ({ metadata: { name }, data: { a: 'b' }, nope: 1 });
    const post = (name: string, query: string) =>
      http.call('POST', `${CONFIG_MAPS}${query}`, { body: body(name) });
    assert.equal((await post('warned', '')).headers.warning, '299 - "unknown field \\"nope\\""');
    assert.equal((await post('ignored', '?fieldValidation=Ignore')).headers.warning, undefined);
    const strict = await post('strict', '?fieldValidation=Strict');
    assertStatus(strict, 400, 'BadRequest', /strict decoding error: unknown field "nope"/);
    assertStatus(await post('x', '?fieldValidation=Loud'), 400, 'BadRequest');
    const patch = { nope: 1 };
    const path = `${CONFIG_MAPS}/warned?fieldValidation=Strict`;
    const headers = { 'content-type': MERGE };
    assertStatus(await http.call('PATCH', path, { body: patch, headers }), 400, 'BadRequest');
  });

  it('patches of each type do what they are for', async () => {
    const containers = [
      { name: 'main', image: 'a' },
      { name: 'side', image: 'b' },
    ];
    await http.json('POST', DEPLOYMENTS, deployment('patched', containers));
    const path = `${DEPLOYMENTS}/patched`;
    const imagesOf = ({ spec }: Fields) =>
      (spec as { template: { spec: { containers: Container[] } } }).template.spec.containers.map(
        ({ name, image }) => `${name}=${image}`,
      );
    const change = (container: object) => ({
      spec: { template: { spec: { containers: [container] } } },
    });
    const strategic = await http.json(
      'PATCH',
      path,
      change({ name: 'side', image: 'c' }),
      STRATEGIC,
    );
    assert.deepEqual(imagesOf(strategic), ['main=a', 'side=c']);
    const removed = await http.json(
      'PATCH',
      path,
      change({ name: 'side', $patch: 'delete' }),
      STRATEGIC,
    );
    assert.deepEqual(imagesOf(removed), ['main=a']);
    const at = '/spec/template/spec/containers/0/image';
    const steps = [
      { op: 'test', path: at, value: 'a' },
      { op: 'replace', path: at, value: 'd' },
    ];
    const json = await http.json('PATCH', path, steps, JSON_PATCH);
    assert.deepEqual(imagesOf(json), ['main=d']);
    const headers = { 'content-type': JSON_PATCH };
    assertStatus(await http.call('PATCH', path, { body: steps, headers }), 422, 'Invalid');
    const merged = await http.json('PATCH', path, change({ name: 'only', image: 'e' }), MERGE);
    assert.deepEqual(imagesOf(merged), ['only=e']);
    const text = { body: '{}', headers: { 'content-type': 'text/plain' } };
    assertStatus(await http.call('PATCH', path, text), 415, 'UnsupportedMediaType');
    const wrong = { body: '{"spec":{"replicas":"many"}}', headers: { 'content-type': MERGE } };
    assertStatus(await http.call('PATCH', path, wrong), 400, 'BadRequest');
  });

  it('patches that name a resourceVersion are refused when it is not the newest', async () => {
    const { metadata } = await create('versioned');
    const patch = { metadata: { resourceVersion: metadata.resourceVersion }, data: { a: 'b' } };
    const path = `${CONFIG_MAPS}/versioned`;
    await http.json('PATCH', path, patch, MERGE);
    const headers = { 'content-type': MERGE };
    const body = { ...patch, data: { a: 'c' } };
    assertStatus(await http.call('PATCH', path, { body, headers }), 409, 'Conflict');
  });

  it('of many who patch at once none loses a change, of many who update one wins', async () => {
    const made = await create('contended');
    const path = `${CONFIG_MAPS}/contended`;
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
    await Promise.all(keys.map(key => http.json('PATCH', path, { data: { [key]: '' } }, MERGE)));
    const patched = await http.json('GET', path);
    assert.deepEqual(Object.keys(patched.data ?? {}).sort(), keys.sort());
    assert.equal(patched.metadata.uid, made.metadata.uid);
    const replies = await Promise.all(
      keys.map(key => http.call('PUT', path, { body: { ...patched, data: { [key]: '' } } })),
    );
    const won = replies.filter(({ code }) => code === 200);
    assert.equal(won.length, 1);
    for (const reply of replies) if (reply.code !== 200) assertStatus(reply, 409, 'Conflict');
  });

  it('deletecollection deletes what is selected', async () => {
    for (const [name, tier] of [
      ['gone-a', 'x'],
      ['gone-b', 'x'],
      ['stays', 'y'],
    ] as const) {
      await create(name, { metadata: { name, labels: { tier } } });
    }
    const list = await http.json('DELETE', `${CONFIG_MAPS}?labelSelector=tier%3Dx`);
    assert.deepEqual(namesOf(list), ['gone-a', 'gone-b']);
    const left = await http.json('GET', `${CONFIG_MAPS}?labelSelector=tier`);
    assert.deepEqual(namesOf(left), ['stays']);
  });

  it('preconditions hold a deletion back', async () => {
    const { metadata } = await create('guarded');
    const path = `${CONFIG_MAPS}/guarded`;
    for (const preconditions of [{ uid: 'other' }, { resourceVersion: '1' }]) {
      const reply = await http.call('DELETE', path, { body: { preconditions } });
      assertStatus(reply, 409, 'Conflict', /in the precondition|in precondition/i);
    }
    const { uid } = metadata;
    const status = await http.json('DELETE', path, { preconditions: { uid } });
    assert.deepEqual([status.kind, status.status], ['Status', 'Success']);
    assertStatus(await http.call('DELETE', path), 404, 'NotFound');
  });

  it('a finalizer holds an object until it is taken off', async () => {
    const { metadata } = await create('held', {
      metadata: { name: 'held', finalizers: ['x.dev/y'] },
    });
    const path = `${CONFIG_MAPS}/held`;
    const marked = await http.json('DELETE', path);
    assert.deepEqual([marked.kind, marked.metadata.uid], ['ConfigMap', metadata.uid]);
    assert.ok(marked.metadata.deletionTimestamp);
    assert.equal((await http.call('GET', path)).code, 200);
    await http.json('PATCH', path, { metadata: { finalizers: null } }, MERGE);
    assert.equal((await http.call('GET', path)).code, 404);
  });

  it('generateName makes names of its own', async () => {
    const body = { metadata: { generateName: 'made-' } };
    const made = await Promise.all(
      Array.from({ length: 20 }, () => http.json('POST', CONFIG_MAPS, body)),
    );
    const names = new Set(made.map(({ metadata }) => metadata.name));
    assert.equal(names.size, 20);
    for (const name of names) assert.match(name ?? '', /^made-[a-z0-9]{5}$/);
  });

  it('a pod is bound once', async () => {
    const spec = { containers: [{ name: 'main', image: 'nginx' }] };
    await http.json('POST', PODS, { metadata: { name: 'bound' }, spec });
    const bind = (name: string) => {
      const body = { metadata: { name: 'bound' }, target: { kind: 'Node', name } };
      return http.call('POST', `${PODS}/bound/binding`, { body });
    };
    const replies = await Promise.all(['a', 'b', 'c'].map(bind));
    const codes = replies.map(({ code }) => code).sort();
    assert.deepEqual(codes, [201, 409, 409]);
    assertStatus(await bind('d'), 409, 'Conflict', /is already assigned to node/);
    const status = jsonOf(replies.find(({ code }) => code === 201) ?? assert.fail());
    assert.deepEqual([status.kind, status.status], ['Status', 'Success']);
  });

  it('status and specification are written apart', async () => {
    const made = await http.json('POST', DEPLOYMENTS, {
      ...deployment('apart'),
      status: { observedGeneration: 7 },
    });
    assert.notDeepEqual(made.status, { observedGeneration: 7 });
    const path = `${DEPLOYMENTS}/apart`;
    const both = { spec: { replicas: 5 }, status: { observedGeneration: 9 } };
    const specOnly = await http.json('PATCH', path, both, MERGE);
    assert.equal(specOnly.spec?.replicas, 5);
    assert.equal(specOnly.metadata.generation, 2);
    assert.notEqual((specOnly.status as Status).observedGeneration, 9);
    const statusOnly = await http.json(
      'PATCH',
      `${path}/status`,
      { ...both, spec: { replicas: 6 } },
      MERGE,
    );
    assert.equal(statusOnly.spec?.replicas, 5);
    assert.equal(statusOnly.metadata.generation, 2);
    assert.equal((statusOnly.status as Status).observedGeneration, 9);
  });

  it('scale reads and writes the replicas alone', async () => {
    await http.json('POST', DEPLOYMENTS, deployment('scaled'));
    const path = `${DEPLOYMENTS}/scaled/scale`;
    const scale = await http.json('GET', path);
    assert.deepEqual(
      [scale.kind, scale.apiVersion, scale.spec],
      ['Scale', 'autoscaling/v1', { replicas: 1 }],
    );
    assert.equal((scale.status as { selector: string }).selector, 'app=scaled');
    const put = await http.json('PUT', path, { ...scale, spec: { replicas: 3 } });
    assert.deepEqual(put.spec, { replicas: 3 });
    await http.json('PATCH', path, { spec: { replicas: 4 } }, MERGE);
    const { spec } = await http.json('GET', `${DEPLOYMENTS}/scaled`);
    assert.equal(spec?.replicas, 4);
    const late = { ...scale, spec: { replicas: 9 } };
    assertStatus(await http.call('PUT', path, { body: late }), 409, 'Conflict');
    const negative = { body: { spec: { replicas: -1 } }, headers: { 'content-type': MERGE } };
    assertStatus(await http.call('PATCH', path, negative), 422, 'Invalid');
  });

  it('100 Services made at once get 100 addresses and node ports', async () => {
    const spec = { type: 'NodePort', ports: [{ port: 80 }] };
    const names = Array.from({ length: 100 }, (_, index) => `service-${index}`);
    const made = await Promise.all(
      names.map(name => http.json<Service>('POST', SERVICES, { metadata: { name }, spec })),
    );
    const addresses = new Set(made.map(each => each.spec.clusterIP));
    const ports = new Set(made.map(each => each.spec.ports[0].nodePort));
    assert.deepEqual([addresses.size, ports.size], [100, 100]);
    for (const port of ports) assert.ok(port >= 30_000 && port <= 32_767);
    const [address = ''] = addresses;
    const body = { metadata: { name: 'again' }, spec: { ...spec, clusterIP: address } };
    assertStatus(await http.call('POST', SERVICES, { body }), 422, 'Invalid', /already allocated/);
    await http.json('DELETE', `${SERVICES}/service-0`);
    await http.json('POST', SERVICES, body);
  });

  it('of many who ask for one address one gets it', async () => {
    const spec = { clusterIP: '10.96.9.9', ports: [{ port: 80 }] };
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        http.call('POST', SERVICES, { body: { metadata: { name: `same-${index}` }, spec } }),
      ),
    );
    assert.equal(replies.filter(({ code }) => code === 201).length, 1);
    for (const reply of replies) if (reply.code !== 201) assertStatus(reply, 422, 'Invalid');
  });

  const upserts = [
    { path: `${NAMESPACE}/endpoints/upsert`, code: 201 },
    { path: '/apis/coordination.k8s.io/v1/namespaces/default/leases/upsert', code: 201 },
    { path: `${SERVICES}/upsert`, code: 201, spec: { ports: [{ port: 80 }] } },
    { path: `${NAMESPACE}/limitranges/upsert`, code: 201, spec: { limits: [] } },
    { path: '/apis/rbac.authorization.k8s.io/v1/clusterroles/upsert', code: 201 },
    { path: `${CONFIG_MAPS}/upsert`, code: 404 },
    { path: `${PODS}/upsert`, code: 404 },
  ];
  for (const { path, code, spec } of upserts) {
    it(`PUT ${path} of what is not there is ${code}`, async () => {
      const body = { metadata: { name: 'upsert' }, ...(spec && { spec }) };
      const reply = await http.call('PUT', path, { body });
      assert.equal(reply.code, code, reply.body.toString());
      if (code === 201) assert.ok(jsonOf(reply).metadata.uid);
    });
  }
});

function namesOf({ items = [] }: Fields): (string | undefined)[] {
  return items.map(({ metadata }) => metadata.name);
}

interface Container {
  readonly name: string;
  readonly image: string;
}

interface Status {
  readonly observedGeneration?: number;
}

interface Service {
  readonly spec: { readonly clusterIP: string; readonly ports: [{ readonly nodePort: number }] };
}

/** Nobody acts on it: it is paused. */
function deployment(
  name: string,
  containers: readonly Container[] = [{ name: 'main', image: 'a' }],
) {
  const labels = { app: name };
  return {
    metadata: { name },
    spec: {
      paused: true,
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}
