import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { Node, Pod } from 'kernetes/sdk';
import { Wire } from './wire.ts';

let cluster: Cluster;
let wire: Wire;
before(async () => {
  cluster = await createCluster({ nodes: 1 });
  wire = new Wire(await cluster.kubeconfig());
});
after(() => cluster?.close());

const gated = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { schedulerName: 'by-hand', containers: [{ name: 'c', image: 'i' }] },
});

for (const [title, path] of [
  ['POST pods/<name>/binding', '/api/v1/namespaces/default/pods/one/binding'],
  ['POST bindings', '/api/v1/namespaces/default/bindings'],
] as const) {
  it(`${title} puts a pod on a node, once`, async () => {
    const name = path.endsWith('bindings') ? 'two' : 'one';
    await cluster.apply(gated(name));
    const [node] = (await cluster.objects.list(Node)).items;
    const target = { kind: 'Node', name: node?.metadata.name ?? '' };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
    assert.equal((await wire.send('POST', path, binding)).code, 201);
    const key = { namespace: 'default', name };
    await cluster.until({ kind: Pod, ...key }, pod => pod.status?.phase === 'Running');
    const again = await wire.send('POST', path, binding);
    assert.equal(again.code, 409);
    assert.equal((again.body as { reason: string }).reason, 'Conflict');
  });
}

it('a binding names its pod', async () => {
  const body = { metadata: {}, target: { name: 'n' } };
  const answer = await wire.send('POST', '/api/v1/namespaces/default/bindings', body);
  assert.equal(answer.code, 400);
});

it('/metrics tells what plugins count', async () => {
  const { code, body } = await wire.send('GET', '/metrics');
  assert.equal(code, 200);
  assert.match(String(body), /^controller_namespace_reconciles_total\{/m);
});
