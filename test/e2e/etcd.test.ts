import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  ApiError,
  ConfigMap,
  Deployment,
  type KubeObject,
  Namespace,
  type ObjectKey,
  Pod,
} from 'kernetes/sdk';
import { type EtcdServer, hasEtcd, startEtcd } from '../../kernel/store/etcd-testing.ts';
import { apiOnly } from './profiles.ts';

/** Two kernels on one etcd: the first runs everything, the second only serves the API. */
describe('two kernels on one etcd', { skip: hasEtcd() ? false : 'there is no etcd' }, () => {
  let etcd: EtcdServer;
  let first: Cluster;
  let second: Cluster;

  const open = async () => {
    first = await createCluster({ nodes: 1, etcd: [etcd.endpoint] });
    second = await createCluster({ profile: apiOnly(), etcd: [etcd.endpoint] });
  };
  const close = async () => {
    await Promise.all([first?.close(), second?.close()]);
  };

  before(async () => {
    etcd = await startEtcd();
    await open();
  });
  after(async () => {
    await close();
    await etcd?.dispose();
  });

  it('what one acknowledged, the other shows at once', async () => {
    const clusters = [first, second] as const;
    for (let i = 0; i < 20; i++) {
      const [writer, reader] = i % 2 === 0 ? clusters : [second, first];
      const name = `seen-${i}`;
      const made = await writer.objects.create(ConfigMap, configMap(name, { a: 'b' }));
      assert.deepEqual(await reader.objects.get(ConfigMap, keyOf(name)), made);
      const { items } = await reader.objects.list(ConfigMap, { namespace: 'default' });
      assert.ok(items.some(({ metadata }) => metadata.name === name));
      const changed = await reader.objects.patch(ConfigMap, keyOf(name), { data: { a: 'c' } });
      assert.deepEqual(await writer.objects.get(ConfigMap, keyOf(name)), changed);
      await reader.objects.delete(ConfigMap, keyOf(name));
      const gone = writer.objects.get(ConfigMap, keyOf(name));
      await assert.rejects(gone, (error: unknown) => ApiError.is(error, 'NotFound'));
    }
  });

  it('a namespace made through one is there for what the other puts in it', async () => {
    for (let i = 0; i < 10; i++) {
      const namespace = `fresh-${i}`;
      await first.objects.create(Namespace, { metadata: { name: namespace } });
      await second.objects.create(ConfigMap, { metadata: { name: 'inside', namespace } });
    }
  });

  it('watches on both see the same changes in the same order', async () => {
    const { resourceVersion: start } = await first.objects.list(ConfigMap);
    const watches = [first, second].map(cluster => new Watched(cluster, start));
    const write = async ({ objects }: Cluster, prefix: string) => {
      for (let i = 0; i < 30; i++) {
        const name = `${prefix}-${i % 5}`;
        await objects.create(ConfigMap, configMap(name, { i: `${i}` }));
        await objects.patch(ConfigMap, keyOf(name), { data: { i: 'changed' } });
        await objects.delete(ConfigMap, keyOf(name));
      }
    };
    await Promise.all([write(first, 'a'), write(second, 'b')]);
    const last = await second.objects.create(ConfigMap, configMap('last'));
    const { resourceVersion = '' } = last.metadata;
    const [one = [], other = []] = await Promise.all(watches.map(w => w.until(resourceVersion)));
    const written = one.filter(([, name]) => /^[ab]-/.test(name));
    assert.equal(written.length, 2 * 30 * 3);
    assert.deepEqual(one, other);
    const revisions = one.map(([, , revision]) => Number(revision));
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
    );
  });

  it('of two updates of one version the second is a Conflict', async () => {
    const made = await first.objects.create(ConfigMap, configMap('contended', { n: '0' }));
    const changed = await second.objects.update(ConfigMap, { ...made, data: { n: '1' } });
    const late = first.objects.update(ConfigMap, { ...made, data: { n: '2' } });
    await assert.rejects(late, (error: unknown) => ApiError.is(error, 'Conflict'));
    assert.deepEqual(await first.objects.get(ConfigMap, keyOf('contended')), changed);
    const raced = await Promise.allSettled(
      [first, second].map(({ objects }, index) =>
        objects.update(ConfigMap, { ...changed, data: { n: `raced ${index}` } }),
      ),
    );
    assert.deepEqual(raced.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const again = second.objects.create(ConfigMap, configMap('contended'));
    await assert.rejects(again, (error: unknown) => ApiError.is(error, 'AlreadyExists'));
  });

  it('patches through both of one object lose nothing', async () => {
    await first.objects.create(ConfigMap, configMap('counted'));
    const patches = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? first : second).objects.patch(ConfigMap, keyOf('counted'), {
        data: { [`key${i}`]: 'set' },
      }),
    );
    await Promise.all(patches);
    const { data = {} } = await first.objects.get(ConfigMap, keyOf('counted'));
    assert.equal(Object.keys(data).length, 20);
  });

  it('keys that others keep in the etcd delay no reader', async () => {
    await etcdPut(etcd, '/elsewhere/a', '1');
    await second.objects.list(ConfigMap, { namespace: 'default' });
    await first.objects.get(ConfigMap, keyOf('counted'));
  });

  it('the controllers of the one act on what the other was told', async () => {
    await second.apply(WEB);
    const available = ({ status }: Deployment) => status?.availableReplicas === 2;
    await second.until({ kind: Deployment, name: 'web' }, available);
  });

  it("keys and values in etcd are Kubernetes' own", async () => {
    const made = await first.objects.create(ConfigMap, configMap('plain', { a: 'ä' }));
    const value = await etcdGet(etcd, '/registry/configmaps/default/plain');
    const { resourceVersion: _, ...metadata } = made.metadata;
    assert.deepEqual(JSON.parse(value), { ...made, metadata });
    const { items } = await first.objects.list(Pod, { namespace: 'default' });
    const keys = [
      ...items.map(({ metadata: { name } }) => `/registry/pods/default/${name}`),
      '/registry/deployments/default/web',
      '/registry/minions/node-1',
      '/registry/namespaces/default',
      '/registry/services/specs/default/kubernetes',
    ];
    for (const key of keys) {
      const object = JSON.parse(await etcdGet(etcd, key)) as KubeObject;
      assert.equal(object.metadata.name, key.split('/').at(-1), key);
    }
  });

  it('everything is there after a restart, with uids and resourceVersions', async () => {
    const { items: before } = await second.objects.list(ConfigMap, { namespace: 'default' });
    assert.ok(before.length > 2);
    await close();
    await open();
    const { items: after } = await first.objects.list(ConfigMap, { namespace: 'default' });
    assert.deepEqual(after, before);
    const available = ({ status }: Deployment) => status?.availableReplicas === 2;
    await first.until({ kind: Deployment, name: 'web' }, available);
  });
});

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
`;

type Seen = readonly [type: string, name: string, resourceVersion: string];

/** What a watch of ConfigMaps of the namespace default is told. */
class Watched {
  readonly #seen: Seen[] = [];
  #look: () => void = () => undefined;
  readonly #stop: () => void;

  constructor({ objects }: Cluster, resourceVersion: string) {
    const resource = { group: '', version: 'v1', resource: 'configmaps' };
    const request = { ...resource, namespace: 'default', resourceVersion };
    this.#stop = objects.watch<ConfigMap>(request, {
      onEvents: events => {
        for (const { type, object } of events) {
          const { name = '', resourceVersion = '' } = object.metadata;
          if (type !== 'BOOKMARK') this.#seen.push([type, name, resourceVersion]);
        }
        this.#look();
      },
      onEnd: error => assert.fail(error),
    });
  }

  /** All that it was told, once it was told of this version. */
  until(resourceVersion: string): Promise<readonly Seen[]> {
    return new Promise(resolve => {
      this.#look = () => {
        if (!this.#seen.some(([, , seen]) => seen === resourceVersion)) return;
        this.#stop();
        resolve(this.#seen);
      };
      this.#look();
    });
  }
}

function configMap(name: string, data?: Record<string, string>): ConfigMap {
  const metadata = { name, namespace: 'default' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...(data && { data }) };
}

function keyOf(name: string): ObjectKey {
  return { namespace: 'default', name };
}

/** By etcd's own gateway: no code of ours between. */
async function etcdGet(etcd: EtcdServer, key: string): Promise<string> {
  const { kvs } = (await call(etcd, 'range', { key: btoa(key) })) as { kvs?: [{ value: string }] };
  assert.ok(kvs, `etcd has no ${key}`);
  return Buffer.from(kvs[0].value, 'base64').toString();
}

async function etcdPut(etcd: EtcdServer, key: string, value: string): Promise<void> {
  await call(etcd, 'put', { key: btoa(key), value: btoa(value) });
}

async function call({ endpoint }: EtcdServer, what: string, body: object): Promise<unknown> {
  const answer = await fetch(`${endpoint}/v3/kv/${what}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}
