import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { type Container, Event, Node, Pod, type PodSpec } from 'kernetes/sdk';
import { eventually } from './eventually.ts';

/** The node agent, the simulated runtime and the kernel together. */

function podOf(name: string, container: Partial<Container>, spec: Partial<PodSpec> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'main', image: 'nginx', ...container }], ...spec },
  };
}

function phaseIs(cluster: Cluster, name: string, phase: string): Promise<Pod> {
  const target = { kind: Pod, name, namespace: 'default' };
  return cluster.until(target, ({ status }) => status?.phase === phase);
}

function isReady({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  );
}

test('a pod is scheduled, started, told of by events, and terminated gracefully', async () => {
  await using cluster = await createCluster({ nodes: 1 });
  await cluster.apply(podOf('web', {}));
  const web = await cluster.until({ kind: Pod, name: 'web', namespace: 'default' }, isReady);
  assert.match(web.status?.podIP ?? '', /^10\.244\.0\.\d+$/);
  assert.equal(web.status?.qosClass, 'BestEffort', 'what the server set is kept');
  const started = await reasonsOf(cluster, 'web', 'Started');
  assert.deepEqual(started, ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started'].sort());
  await cluster.objects.delete(Pod, { namespace: 'default', name: 'web' });
  assert.ok((await reasonsOf(cluster, 'web', 'Killing')).includes('Killing'));
  await gone(cluster, 'web');
});

test('pods of commands succeed, fail and crash as the commands do', async () => {
  await using cluster = await createCluster({ nodes: 1 });
  const once = { restartPolicy: 'Never' };
  await cluster.apply(podOf('ok', { image: 'busybox', command: ['date'] }, once));
  await cluster.apply(podOf('bad', { image: 'busybox', args: ['sh', '-c', 'exit 3'] }, once));
  await cluster.apply(podOf('crash', { command: ['false'] }));
  await phaseIs(cluster, 'ok', 'Succeeded');
  const bad = await phaseIs(cluster, 'bad', 'Failed');
  assert.equal(bad.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
  await cluster.until({ kind: Pod, name: 'crash', namespace: 'default' }, ({ status }) => {
    const [container] = status?.containerStatuses ?? [];
    return container?.state?.waiting?.reason === 'CrashLoopBackOff' && container.restartCount === 1;
  });
});

test('what was true of a pod only while it started is not told of it afterwards', async () => {
  await using cluster = await createCluster({ nodes: 1 });
  const init = [{ name: 'init', image: 'busybox', command: ['sleep', '0.1'] }];
  await cluster.apply(podOf('web', {}, { initContainers: init }));
  const target = { kind: Pod, name: 'web', namespace: 'default' };
  await cluster.until(target, ({ status }) => status?.phase === 'Pending' && !!status.startTime);
  const { status } = await cluster.until(target, isReady);
  const told = status?.conditions?.flatMap(({ reason, message }) => [reason, message]);
  assert.deepEqual(told?.filter(Boolean), []);
});

test('after a restart on the same data pods and nodes are as they were, to the version', async () => {
  const data = await mkdtemp(join(tmpdir(), 'kernetes-nodes-'));
  try {
    const before = await withCluster(data, async cluster => {
      await cluster.apply(podOf('web', {}));
      await cluster.until({ kind: Pod, name: 'web', namespace: 'default' }, isReady);
      return state(cluster);
    });
    const after = await withCluster(data, async cluster => {
      // A pod that comes after the restart is ready only when the agent has taken over the others.
      await cluster.apply(podOf('new', {}));
      const target = { kind: Pod, name: 'new', namespace: 'default' };
      const fresh = await cluster.until(target, isReady);
      assert.notEqual(fresh.status?.podIP, before.pods[0]?.status?.podIP);
      const { nodes, pods } = await state(cluster);
      return { nodes, pods: pods.filter(({ metadata }) => metadata.name === 'web') };
    });
    assert.deepEqual(after, before);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

async function withCluster<T>(data: string, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  await using cluster = await createCluster({ data, nodes: 1 });
  return await use(cluster);
}

async function state({ objects }: Cluster) {
  const [nodes, pods] = await Promise.all([objects.list(Node), objects.list(Pod)]);
  return { nodes: nodes.items, pods: pods.items };
}

/** The reasons of a pod's events, sorted, once `last` is among them. */
async function reasonsOf(cluster: Cluster, name: string, last: string): Promise<string[]> {
  const fieldSelector = `involvedObject.name=${name}`;
  return await eventually(async () => {
    const { items } = await cluster.objects.list(Event, { namespace: 'default', fieldSelector });
    const reasons = items.map(({ reason }) => reason ?? '').sort();
    return reasons.includes(last) ? reasons : undefined;
  });
}

function gone(cluster: Cluster, name: string): Promise<true> {
  return eventually(async () => {
    const { items } = await cluster.objects.list(Pod, { fieldSelector: `metadata.name=${name}` });
    return items.length === 0 ? true : undefined;
  });
}
