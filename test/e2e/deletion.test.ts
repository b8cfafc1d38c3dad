import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { ConfigMap, Deployment, Namespace, Pod, ReplicaSet } from 'kernetes/sdk';
import { until } from './eventually.ts';
import { Http, jsonOf, type Reply } from './http.ts';
import { Kubectl, withoutKubectl } from './kubectl.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

/** What clients see of deletes, over HTTP and with the garbage collector at work. */
describe('deletion', { timeout: 90_000 }, () => {
  let cluster: Cluster;
  let http: Http;
  let kubeconfig: string;
  const folder = mkdtempSync(join(tmpdir(), 'kernetes-deletion-'));

  before(async () => {
    cluster = await createCluster({ nodes: 1 });
    kubeconfig = await cluster.kubeconfig(join(folder, 'kubeconfig'));
    http = Http.of(kubeconfig);
  });
  after(async () => {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const post = (path: string, metadata: object) => http.json('POST', path, { metadata });
  const remove = (path: string, body?: unknown): Promise<Reply> =>
    http.call('DELETE', path, body ? { body } : {});

  it('answers with a Status, and with the object of a kind that gives it back', async () => {
    const { metadata } = await post(MAPS, { name: 'a' });
    const status = jsonOf<Record<string, unknown>>(await remove(`${MAPS}/a`));
    const details = { name: 'a', kind: 'configmaps', uid: metadata.uid };
    assert.deepEqual([status.kind, status.status, status.details], ['Status', 'Success', details]);
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await post(accounts, { name: 'a' });
    assert.equal(jsonOf(await remove(`${accounts}/a`)).kind, 'ServiceAccount');
  });

  it('takes options from the query where there is no body', async () => {
    await post(MAPS, { name: 'q' });
    const wrong = await remove(`${MAPS}/q?propagationPolicy=Any`);
    assert.equal(wrong.code, 422);
    assert.match(jsonOf(wrong).message ?? '', /"Foreground", "Background", "Orphan", "nil"$/);
    assert.equal((await remove(`${MAPS}/q?dryRun=Some`)).code, 422);
    assert.equal((await remove(`${MAPS}/q?gracePeriodSeconds=soon`)).code, 400);
    assert.equal((await remove(`${MAPS}/q?dryRun=All`)).code, 200);
    const body = { propagationPolicy: 'Background' };
    assert.equal((await remove(`${MAPS}/q?propagationPolicy=Any`, body)).code, 200);
    assert.equal((await remove(`${MAPS}/q`)).code, 404);
  });

  it('tells by 202 that something is still there, to who asks in the old way', async () => {
    await post(MAPS, { name: 'old', finalizers: ['test/hold'] });
    const reply = await remove(`${MAPS}/old?orphanDependents=false`);
    assert.equal(reply.code, 202);
    assert.ok(jsonOf(reply).metadata.deletionTimestamp);
    const patch = { metadata: { finalizers: null } };
    await http.json('PATCH', `${MAPS}/old`, patch, 'application/merge-patch+json');
    assert.equal((await http.call('GET', `${MAPS}/old`)).code, 404);
  });

  for (const policy of ['Foreground', 'Background', 'Orphan'] as const) {
    it(`${policy} does with dependents what it says`, async () => {
      const name = `web-${policy.toLowerCase()}`;
      await cluster.objects.create(Deployment, deployment(name));
      const isReady = ({ status }: Deployment) => status?.availableReplicas === 2;
      await cluster.until({ kind: Deployment, name }, isReady);
      const key = { namespace: 'default', name };
      await cluster.objects.delete(Deployment, key, { propagationPolicy: policy });
      await gone(cluster, name, policy === 'Orphan');
    });
  }

  it('empties a namespace, and lets nothing more into it', async () => {
    await cluster.objects.create(Namespace, { metadata: { name: 'team' } });
    const metadata = { name: 'held', namespace: 'team', finalizers: ['test/hold'] };
    await cluster.objects.create(ConfigMap, { metadata });
    const reply = await remove('/api/v1/namespaces/team');
    assert.deepEqual(jsonOf(reply).status, { phase: 'Terminating' });
    const refused = await http.call('POST', '/api/v1/namespaces/team/configmaps', {
      body: { metadata: { name: 'late' } },
    });
    assert.equal(refused.code, 403);
    assert.equal(jsonOf(refused).details?.causes?.[0]?.reason, 'NamespaceTerminating');
    const told = await cluster.until({ kind: Namespace, name: 'team' }, ({ status }) =>
      Boolean(status?.conditions?.some(({ reason }) => reason === 'SomeFinalizersRemain')),
    );
    assert.match(JSON.stringify(told), /configmaps\. has 1 resource instances/);
    assert.match(JSON.stringify(told), /test\/hold in 1 resource instances/);
    await cluster.objects.patch(ConfigMap, metadata, { metadata: { finalizers: null } });
    await until(async () => (await http.call('GET', '/api/v1/namespaces/team')).code === 404);
  });

  it('kubectl deletes in all its ways', { skip: withoutKubectl() }, async () => {
    const kubectl = new Kubectl(kubeconfig);
    for (const cascade of ['foreground', 'background', 'orphan']) {
      await kubectl.run('create deployment k --image=nginx');
      const out = await kubectl.run(`delete deployment k --cascade=${cascade}`);
      assert.match(out, /deployment.apps "k" deleted/);
      await kubectl.run('delete replicaset -l app=k');
    }
    await kubectl.run('run p --image=nginx');
    assert.match(await kubectl.run('delete pod p --force --grace-period=0'), /p" force/);
    await kubectl.run('create namespace k');
    assert.match(await kubectl.run('delete ns k'), /namespace "k" deleted/);
  });
});

function deployment(name: string): Deployment {
  const labels = { app: name };
  const containers = [{ name: 'main', image: 'nginx' }];
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

async function gone(cluster: Cluster, app: string, orphaned: boolean): Promise<void> {
  const options = { namespace: 'default', labelSelector: `app=${app}` };
  await until(async () => {
    const { items: deployments } = await cluster.objects.list(Deployment, {
      namespace: 'default',
      fieldSelector: `metadata.name=${app}`,
    });
    const { items: sets } = await cluster.objects.list(ReplicaSet, options);
    const { items: pods } = await cluster.objects.list(Pod, options);
    if (deployments.length > 0) return false;
    if (!orphaned) return sets.length === 0 && pods.length === 0;
    return sets.length === 1 && pods.length === 2 && !sets[0]?.metadata.ownerReferences;
  });
}
