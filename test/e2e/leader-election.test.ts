import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  ConfigMap,
  Deployment,
  Event,
  KubeObject,
  Lease,
  Pod,
  ReplicaSet,
} from 'kernetes/sdk';
import { type EtcdServer, hasEtcd, startEtcd } from '../../kernel/store/etcd-testing.ts';
import type { Client } from '../bench/client.ts';
import { Server } from '../bench/server.ts';
import { eventually, until } from './eventually.ts';

const SCRIBBLERS = join(import.meta.dirname, 'testdata/scribblers');
const LEASE_MS = 6_000;
const ARGS = [
  ...['--nodes', '1', '--leader-elect-lease-duration', `${LEASE_MS}ms`],
  ...['--leader-elect-renew-deadline', '5s', '--leader-elect-retry-period', '500ms'],
  ...['slow', 'fenced.ts', 'unfenced.ts'].flatMap(file => ['--plugin', join(SCRIBBLERS, file)]),
  ...['fenced', 'unfenced'].flatMap(name => [
    ...['--grant', `${name}:objects=get,list,watch,create@configmaps`],
    ...['--grant', `${name}:objects=create,patch@events`],
  ]),
  ...['--grant', 'fenced:objects=get,list,watch,create,update@coordination.k8s.io/leases'],
];

/** Two processes on one etcd; each has all plugins, and two that write without end. */
describe('leader election', { skip: hasEtcd() ? false : 'there is no etcd' }, () => {
  let etcd: EtcdServer;
  let first: Server;
  let second: Server;
  let client: Client;
  /** Of the elected scribbler in the first process. */
  let firstLife = '';

  before(async () => {
    etcd = await startEtcd();
    const options = { etcd: etcd.endpoint, args: ARGS, fromSource: true };
    first = await Server.start(options);
    client = first.client(4);
    await create('/api/v1/namespaces/default/configmaps', { metadata: { name: 'marker' } });
    firstLife = await eventually(async () => (await written('fenced'))[0]?.life);
    second = await Server.start(options);
  });
  after(async () => {
    client?.close();
    await Promise.all([first?.kill(), second?.kill()]);
    await etcd?.dispose();
  });

  const get = async <T>(path: string) =>
    JSON.parse((await client.call('GET', path)).toString()) as T;
  const create = (path: string, body: KubeObject) => client.call('POST', path, body);
  const list = async <T>(path: string) => (await get<{ items: T[] }>(path)).items;

  /** What a scribbler has made, in the order of commits. */
  const written = async (writer: string) => {
    const path = `/api/v1/namespaces/default/configmaps?labelSelector=writer%3D${writer}`;
    const made = (await list<ConfigMap>(path)).map(({ metadata }) => ({
      life: metadata.labels?.life ?? '',
      revision: Number(metadata.resourceVersion),
    }));
    return made.sort((a, b) => a.revision - b.revision);
  };
  const holder = async (lease: string) => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${lease}`;
    return (await get<Lease>(path)).spec?.holderIdentity ?? '';
  };
  const deploy = (name: string, replicas: number) => {
    const labels = { app: name };
    const spec = { containers: [{ name: 'web', image: 'nginx' }] };
    return create('/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
      },
    } as KubeObject);
  };
  const isRolledOut = async (name: string, replicas: number) => {
    const path = `/apis/apps/v1/namespaces/default/deployments/${name}`;
    return (await get<Deployment>(path)).status?.availableReplicas === replicas;
  };

  it('one of the two acts', async () => {
    await until(
      async () => new Set((await written('unfenced')).map(({ life }) => life)).size === 2,
    );
    await deploy('web', 3);
    await until(() => isRolledOut('web', 3));
    const events = await list<Event>('/api/v1/namespaces/default/events');
    const made = events.filter(({ reason, involvedObject }) => {
      return reason === 'SuccessfulCreate' && involvedObject.name?.startsWith('web-');
    });
    assert.equal(made.length, 3);
    const sets = await list<ReplicaSet>('/apis/apps/v1/namespaces/default/replicasets');
    assert.equal(sets.length, 1);
    const fenced = new Set((await written('fenced')).map(({ life }) => life));
    assert.deepEqual([...fenced], [firstLife]);
    // All that are elected are elected in the one process that was first.
    const holders = ['fenced', 'kube-controller-manager', 'kube-scheduler', 'node-agents'];
    assert.equal(new Set(await Promise.all(holders.map(holder))).size, 1);
  });

  it('writes of a leader that was frozen past its lease are refused at their commit', async () => {
    const before = await holder('kube-controller-manager');
    // Just after one of its writes the next is held, so it is not on its way to etcd when it freezes.
    const count = (await written('fenced')).length;
    await until(async () => (await written('fenced')).length > count);
    first.pause();
    client.close();
    client = second.client(4);
    const took = await eventually(async () =>
      (await written('fenced')).find(({ life }) => life !== firstLife),
    );
    await until(async () => (await holder('kube-controller-manager')) !== before);
    await deploy('meanwhile', 2);
    await until(() => isRolledOut('meanwhile', 2));
    first.resume();

    const refused = await eventually(async () => {
      const events = await list<Event>('/api/v1/namespaces/default/events');
      return events.find(({ reason }) => reason === `Refused${firstLife}`);
    });
    assert.match(
      refused.message ?? '',
      /the write is fenced by leases.coordination.k8s.io "kube-system\/fenced", which has another/,
    );
    // What the same process writes without a fence, begun before it was frozen too, is done.
    await until(async () => {
      const own = (await written('unfenced')).filter(({ revision }) => revision > took.revision);
      return new Set(own.map(({ life }) => life)).size === 2;
    });
    const late = (await written('fenced')).filter(({ revision }) => revision > took.revision);
    assert.ok(late.length > 0);
    assert.ok(late.every(({ life }) => life === took.life));
    // It follows now.
    assert.notEqual(await holder('fenced'), before);
  });

  it('another takes over from a killed leader within the time of its lease', async () => {
    const before = await holder('kube-controller-manager');
    client.close();
    client = first.client(4);
    await second.kill();
    const killedAt = performance.now();
    await deploy('after', 2);
    await until(async () => (await holder('kube-controller-manager')) !== before);
    const tookMs = performance.now() - killedAt;
    // A busy machine may be late by some time.
    assert.ok(tookMs < LEASE_MS + 3_000, `${tookMs} ms`);
    await until(() => isRolledOut('after', 2));
    const pods = await list<Pod>('/api/v1/namespaces/default/pods?labelSelector=app%3Dafter');
    assert.equal(pods.length, 2);
  });
});
