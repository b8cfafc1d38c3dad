import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Pod,
  VersionApi,
} from '@kubernetes/client-node';
import { type Cluster, createCluster } from 'kernetes';
import { Deployment } from 'kernetes/sdk';

/** The official client library, by the kubeconfig that a cluster hands out. */
describe('@kubernetes/client-node', { timeout: 60_000 }, () => {
  const namespace = 'default';
  let cluster: Cluster;
  let config: KubeConfig;
  let core: CoreV1Api;

  before(async () => {
    cluster = await createCluster({ nodes: 1 });
    config = new KubeConfig();
    config.loadFromFile(await cluster.kubeconfig());
    core = config.makeApiClient(CoreV1Api);
  });
  after(() => cluster?.close());

  it('creates, reads, lists, replaces, patches and deletes', async () => {
    const body: V1ConfigMap = { metadata: { name: 'a', labels: { x: 'y' } }, data: { a: 'b' } };
    const made = await core.createNamespacedConfigMap({ namespace, body });
    assert.ok(made.metadata?.creationTimestamp instanceof Date);
    const read = await core.readNamespacedConfigMap({ namespace, name: 'a' });
    assert.deepEqual(read, made);
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'x=y' });
    assert.deepEqual(
      list.items.map(({ metadata, data }) => [metadata, data]),
      [[made.metadata, made.data]],
    );
    const replaced = await core.replaceNamespacedConfigMap({
      namespace,
      name: 'a',
      body: { ...made, data: { a: 'c' } },
    });
    assert.deepEqual(replaced.data, { a: 'c' });
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name: 'a', body: { data: { d: 'e' } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    assert.deepEqual(patched.data, { a: 'c', d: 'e' });
    const stale = core.replaceNamespacedConfigMap({ namespace, name: 'a', body: made });
    await assert.rejects(stale, isRefused(409));
    await core.deleteNamespacedConfigMap({ namespace, name: 'a' });
    const gone = core.readNamespacedConfigMap({ namespace, name: 'a' });
    await assert.rejects(gone, isRefused(404));
  });

  it('an informer follows pods from creation to deletion', async () => {
    const list = () => core.listNamespacedPod({ namespace, labelSelector: 'app=followed' });
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const informer = makeInformer<V1Pod>(config, path, list, 'app=followed');
    const failed: unknown[] = [];
    informer.on('error', error => failed.push(error));
    const added = new Promise<V1Pod>(resolve => informer.on('add', resolve));
    const running = new Promise<V1Pod>(resolve =>
      informer.on('update', pod => {
        if (pod.status?.phase === 'Running') resolve(pod);
      }),
    );
    const deleted = new Promise<V1Pod>(resolve => informer.on('delete', resolve));
    await informer.start();
    const body: V1Pod = {
      metadata: { name: 'followed', labels: { app: 'followed' } },
      spec: { containers: [{ name: 'main', image: 'nginx' }] },
    };
    const made = await core.createNamespacedPod({ namespace, body });
    await core.createNamespacedPod({ namespace, body: { ...body, metadata: { name: 'other' } } });
    assert.equal((await added).metadata?.uid, made.metadata?.uid);
    assert.match((await running).status?.podIP ?? '', /^10\.244\./);
    assert.equal(informer.get('followed', namespace)?.status?.phase, 'Running');
    await core.deleteNamespacedPod({ namespace, name: 'followed', gracePeriodSeconds: 0 });
    assert.equal((await deleted).metadata?.uid, made.metadata?.uid);
    assert.deepEqual(informer.list(), []);
    // That it is stopped it tells as an error too.
    assert.deepEqual(failed, []);
    await informer.stop();
  });

  it('objects of any kind go by their apiVersion and kind', async () => {
    const api = KubernetesObjectApi.makeApiClient(config);
    const labels = { app: 'web' };
    const spec = { containers: [{ name: 'main', image: 'nginx' }] };
    await api.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
      },
    } as object);
    const isAvailable = ({ status }: Deployment) => status?.availableReplicas === 2;
    await cluster.until({ kind: Deployment, name: 'web' }, isAvailable);
    const apps = config.makeApiClient(AppsV1Api);
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: 'web' });
    assert.deepEqual([scale.spec?.replicas, scale.status?.selector], [2, 'app=web']);
    const body = { ...scale, spec: { replicas: 1 } };
    await apps.replaceNamespacedDeploymentScale({ namespace, name: 'web', body });
    const { items } = await apps.listDeploymentForAllNamespaces();
    assert.deepEqual(
      items.map(each => each.spec?.replicas),
      [1],
    );
    await api.delete({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
    });
  });

  it('the version is one that clients know', async () => {
    const { gitVersion } = await config.makeApiClient(VersionApi).getCode();
    assert.match(gitVersion, /^v1\.32\./);
  });
});

function isRefused(code: number) {
  return (error: unknown) => error instanceof ApiException && error.code === code;
}
