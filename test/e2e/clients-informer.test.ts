import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CoreV1Api,
  type Informer,
  KubeConfig,
  makeInformer,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { type Cluster, createCluster } from 'kernetes';
import { apiOnly } from './profiles.ts';

const NAMESPACE = 'kube-system';
const PATH = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const LABEL = 'app=followed';

/** What the official library's informers and watches rely on, also when the server goes away. */
describe('watches of @kubernetes/client-node', { timeout: 60_000 }, () => {
  let data: string;
  let cluster: Cluster;
  let config: KubeConfig;
  let core: CoreV1Api;

  /** On the same port each time, as a server has it that is restarted. */
  const start = async () => {
    const listen = config ? new URL(config.getCurrentCluster()?.server ?? '').host : '127.0.0.1:0';
    cluster = await createCluster({ profile: apiOnly(), data, listen });
    config = new KubeConfig();
    config.loadFromFile(await cluster.kubeconfig());
    core = config.makeApiClient(CoreV1Api);
  };

  before(async () => {
    data = mkdtempSync(join(tmpdir(), 'kernetes-informer-'));
    await start();
    await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });
  });
  after(async () => {
    await cluster?.close();
    rmSync(data, { recursive: true, force: true });
  });

  const create = (name: string) => {
    const body = { metadata: { name, labels: { app: 'followed' } } };
    return core.createNamespacedConfigMap({ namespace: NAMESPACE, body });
  };
  const remove = (name: string) => core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name });
  const informer = () => {
    const list = () => core.listNamespacedConfigMap({ namespace: NAMESPACE, labelSelector: LABEL });
    return makeInformer<V1ConfigMap>(config, PATH, list, LABEL);
  };

  it('an informer that is begun anew goes on after a restart, or lists when that is forgotten', async () => {
    await create('kept');
    await create('deleted');
    const followed = informer();
    const seen: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const)
      followed.on(verb, ({ metadata }) => seen.push(`${verb} ${metadata?.name}`));
    const ended = new Promise(resolve => followed.on('error', resolve));
    await followed.start();
    assert.deepEqual(seen.splice(0), ['add deleted', 'add kept']);
    await cluster.close();
    await ended;
    await start();
    // While nobody looks.
    await remove('deleted');
    await create('made');
    const caughtUp = happens(followed, 'delete', 'deleted');
    const told = happens(followed, 'add', 'made');
    await followed.start();
    await Promise.all([caughtUp, told]);
    assert.deepEqual(seen.sort(), ['add made', 'delete deleted']);
    assert.deepEqual(
      followed
        .list()
        .map(each => each.metadata?.name)
        .sort(),
      ['kept', 'made'],
    );
    await followed.stop();
  });

  it('a watch from a version that is forgotten is told 410, and ends', async () => {
    const events: [string, { code?: number; reason?: string }][] = [];
    await new Promise<void>((resolve, reject) => {
      const done = (error: unknown) => (error ? reject(error) : resolve());
      const told = (type: string, object: object) => events.push([type, object]);
      new Watch(config).watch(PATH, { resourceVersion: '1' }, told, done).catch(reject);
    });
    const [[type, { code, reason }] = assert.fail(), ...more] = events;
    assert.deepEqual([type, code, reason, more], ['ERROR', 410, 'Expired', []]);
  });

  it('a watch streams the list when asked to, and ends when its client ends it', async () => {
    await create('streamed');
    const { metadata, items } = await core.listNamespacedConfigMap({ namespace: NAMESPACE });
    const query = {
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
    };
    const told: string[] = [];
    const ended = new Promise<unknown>((resolve, reject) => {
      const watch = new Watch(config).watch(PATH, query, onEvent, resolve);
      watch.catch(reject);
      function onEvent(type: string, { metadata: seen }: V1ConfigMap) {
        told.push(`${type} ${seen?.name ?? ''}`);
        if (type !== 'BOOKMARK') return;
        assert.equal(seen?.annotations?.['k8s.io/initial-events-end'], 'true');
        assert.ok(Number(seen?.resourceVersion) >= Number(metadata?.resourceVersion));
        watch.then(request => request.abort(), reject);
      }
    });
    assert.equal(((await ended) as Error).name, 'AbortError');
    const wanted = items.map(each => `ADDED ${each.metadata?.name}`);
    assert.deepEqual(told, [...wanted, 'BOOKMARK ']);
  });
});

function happens(
  informer: Informer<V1ConfigMap>,
  verb: 'add' | 'delete',
  name: string,
): Promise<void> {
  return new Promise(resolve =>
    informer.on(verb, ({ metadata }) => {
      if (metadata?.name === name) resolve();
    }),
  );
}
