import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lease, Node, Pod, runtimePoint, serviceUnavailable } from 'kernetes/sdk';
import { FakeRuntime, fakeClock, node, pod, TestKernel, testContext } from 'kernetes/sdk/testing';
import { type AgentConfig, DEFAULT_CONFIG } from './config.ts';
import { AGENT_LABEL } from './node-object.ts';
import plugin from './plugin.ts';

async function setup(config: Partial<AgentConfig> = {}, kernel?: TestKernel) {
  const clock = fakeClock();
  const used = kernel ?? new TestKernel({ clock });
  const host = testContext({ name: 'runtime.sim', kernel: used, clock });
  host.context.provide(runtimePoint, new FakeRuntime(clock));
  const agent = testContext<AgentConfig>({
    name: 'node.agent',
    config: { ...DEFAULT_CONFIG, ...config },
    kernel: used,
    clock,
  });
  await Promise.all([plugin.activate(agent.context), clock.step(0)]);
  const dispose = async () => {
    await agent.dispose();
    await host.dispose();
  };
  return { kernel: used, clock, dispose };
}

function rangesOf(kernel: TestKernel): (string | undefined)[] {
  return kernel.all(Node).map(({ spec }) => spec?.podCIDR);
}

test('a node is registered as a kubelet registers it', async () => {
  const { kernel } = await setup({ zones: ['a', 'b'], labels: { rack: 'r1' } });
  const [first, second] = kernel.all(Node);
  assert.deepEqual(first?.metadata.labels, {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': 'node-1',
    'kubernetes.io/os': 'linux',
    'topology.kubernetes.io/zone': 'a',
    rack: 'r1',
    [AGENT_LABEL]: 'node.agent',
  });
  assert.equal(second?.metadata.labels?.['topology.kubernetes.io/zone'], 'b');
  assert.deepEqual(first?.spec, { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] });
  assert.deepEqual(first?.status?.addresses, [
    { type: 'InternalIP', address: '172.18.0.2' },
    { type: 'Hostname', address: 'node-1' },
  ]);
  assert.deepEqual(
    first?.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
    [
      'NetworkUnavailable=False RouteCreated',
      'MemoryPressure=False KubeletHasSufficientMemory',
      'DiskPressure=False KubeletHasNoDiskPressure',
      'PIDPressure=False KubeletHasSufficientPID',
      'Ready=True KubeletReady',
    ],
  );
  assert.equal(first?.status?.nodeInfo?.containerRuntimeVersion, 'fake://0.0.0');
  assert.equal(first?.status?.allocatable?.pods, '110');
});

test('nodes that exist keep their ranges and addresses, and are not written again', async () => {
  const { kernel, dispose } = await setup();
  const before = kernel.all(Node);
  await dispose();
  kernel.requests.length = 0;
  await setup({ nodes: 4 }, kernel);
  assert.deepEqual(kernel.all(Node).slice(0, 3), before);
  assert.equal(rangesOf(kernel)[3], '10.244.3.0/24');
  const writes = kernel.requests.filter(({ resource, verb }) => {
    return resource === 'nodes' && verb !== 'list';
  });
  assert.deepEqual(
    writes.map(({ verb }) => verb),
    ['create'],
  );
});

test('a node whose configuration changed is brought up to date, and keeps what others added', async () => {
  const { kernel, dispose } = await setup({ nodes: 1 });
  await dispose();
  kernel.modify(Node, 'node-1', ({ status }) => {
    if (status?.capacity) status.capacity['example.com/gpu'] = '2';
  });
  const { clock } = await setup({ nodes: 1, capacity: { cpu: '64', pods: '250' } }, kernel);
  await clock.step(0);
  const status = kernel.get(Node, 'node-1')?.status;
  assert.equal(status?.capacity?.cpu, '64');
  assert.equal(status?.allocatable?.pods, '250');
  assert.equal(status?.capacity?.['example.com/gpu'], '2');
});

test('nodes of others are not touched, and their ranges and addresses not used', async () => {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const foreign = node('kwok-1', { spec: { podCIDR: '10.244.0.0/23' } });
  const status = { ...foreign.status, addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] };
  const [other, taken] = kernel.add(Node, { ...foreign, status }, node('node-2'));
  await setup({}, kernel);
  assert.deepEqual(kernel.get(Node, 'kwok-1'), other);
  assert.deepEqual(kernel.get(Node, 'node-2'), taken);
  assert.equal(kernel.get(Node, 'node-1')?.spec?.podCIDR, '10.244.2.0/24');
  assert.equal(kernel.get(Node, 'node-1')?.status?.addresses?.[0]?.address, '172.18.0.3');
  const warned = kernel.logs.filter(({ level }) => level === 'warn');
  assert.deepEqual(
    warned.map(({ fields }) => fields.node),
    ['node-2'],
  );
});

test('a node that lost its status gets it back', async () => {
  const { kernel, clock, dispose } = await setup({ nodes: 1 });
  await dispose();
  kernel.modify(Node, 'node-1', bare => {
    bare.status = {};
  });
  await setup({ nodes: 1 }, kernel);
  await clock.step(0);
  const status = kernel.get(Node, 'node-1')?.status;
  assert.equal(status?.conditions?.length, 5);
  assert.ok(status?.nodeInfo?.machineID);
});

test('a node that could not be registered is tried again, with the same range', async () => {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  kernel.fault = ({ resource, verb }) =>
    resource === 'nodes' && verb === 'create' ? serviceUnavailable('not yet') : undefined;
  const { clock: agentClock } = await setup({ nodes: 2 }, kernel);
  assert.equal(kernel.all(Node).length, 0);
  await agentClock.step(30_000);
  kernel.fault = () => undefined;
  await agentClock.step(10_000);
  assert.deepEqual(rangesOf(kernel), ['10.244.0.0/24', '10.244.1.0/24']);
});

test('a node deleted from the API is not made again by the same agent', async () => {
  const { kernel, clock } = await setup({ nodes: 2 });
  await kernel.objects.delete(Node, { name: 'node-2' });
  await clock.step(60_000);
  assert.equal(kernel.all(Node).length, 1);
});

test('a node waits for its range where somebody else gives it, and lives meanwhile', async () => {
  const { kernel, clock } = await setup({ nodes: 2, allocateNodeCidrs: false });
  assert.deepEqual(rangesOf(kernel), [undefined, undefined]);
  kernel.add(Pod, pod('web', { spec: { nodeName: 'node-2', containers: [{ name: 'main' }] } }));
  await clock.step(20_000);
  assert.ok(kernel.get(Lease, 'kube-node-lease/node-2'));
  assert.equal(kernel.get(Pod, 'default/web')?.status, undefined);
  kernel.modify(Node, 'node-2', ({ spec }) => {
    if (spec) Object.assign(spec, { podCIDR: 'fd00::/64', podCIDRs: ['fd00::/64', '10.9.0.0/24'] });
  });
  await clock.step(1_000);
  assert.equal(kernel.get(Pod, 'default/web')?.status?.podIP, '10.9.0.2');
  assert.deepEqual(rangesOf(kernel), [undefined, 'fd00::/64']);
});

test('a node that is made again is served with the range that it then has', async () => {
  const { kernel, clock } = await setup({ nodes: 1 });
  const [made] = kernel.all(Node);
  await kernel.objects.delete(Node, { name: 'node-1' });
  await clock.step(0);
  assert.ok(made);
  const { labels } = made.metadata;
  kernel.add(Node, {
    ...made,
    metadata: { name: 'node-1', ...(labels && { labels }) },
    spec: { podCIDR: '10.9.0.0/24', podCIDRs: ['10.9.0.0/24'] },
  });
  kernel.add(Pod, pod('web', { spec: { nodeName: 'node-1', containers: [{ name: 'main' }] } }));
  await clock.step(1_000);
  assert.equal(kernel.get(Pod, 'default/web')?.status?.podIP, '10.9.0.2');
});

test('too many nodes for the range stop the start', async () => {
  await assert.rejects(
    setup({ nodes: 257 }),
    /Cannot give 257 nodes a \/24 of "10.244.0.0\/16": it has 256/,
  );
});

test('a range that is none stops the start', async () => {
  await assert.rejects(setup({ podCidr: '10.244.0.0' }), /Cannot read "10.244.0.0"/);
});

test('Leases are made, and renewed every ten seconds', async () => {
  const { kernel, clock } = await setup({ nodes: 2 });
  await clock.step(0);
  const lease = kernel.get(Lease, 'kube-node-lease/node-1');
  const owner = kernel.get(Node, 'node-1')?.metadata.uid;
  assert.deepEqual(lease?.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: owner },
  ]);
  assert.deepEqual(lease?.spec, {
    holderIdentity: 'node-1',
    leaseDurationSeconds: 40,
    renewTime: '2026-01-01T00:00:00.000000Z',
  });
  await clock.step(30_000);
  const renewed = kernel.get(Lease, 'kube-node-lease/node-1')?.spec?.renewTime;
  assert.equal(renewed, '2026-01-01T00:00:30.000000Z');
  await kernel.objects.delete(Lease, { namespace: 'kube-node-lease', name: 'node-1' });
  await clock.step(10_000);
  assert.ok(kernel.get(Lease, 'kube-node-lease/node-1'), 'a Lease that is gone is made again');
});

test('conditions are reported every five minutes, and when somebody changed them', async () => {
  const { kernel, clock } = await setup({ nodes: 1 });
  const ready = () =>
    kernel.get(Node, 'node-1')?.status?.conditions?.find(({ type }) => type === 'Ready');
  await clock.step(290_000);
  assert.equal(ready()?.lastHeartbeatTime, '2026-01-01T00:00:00Z');
  await clock.step(10_000);
  assert.equal(ready()?.lastHeartbeatTime, '2026-01-01T00:05:00Z');
  assert.equal(ready()?.lastTransitionTime, '2026-01-01T00:00:00Z');
  kernel.modify(Node, 'node-1', ({ status }) => {
    const condition = status?.conditions?.find(({ type }) => type === 'Ready');
    if (condition) Object.assign(condition, { status: 'Unknown', reason: 'NodeStatusUnknown' });
  });
  await clock.step(10_000);
  assert.equal(ready()?.status, 'True');
  assert.equal(ready()?.lastTransitionTime, '2026-01-01T00:05:10Z');
});

test('thousands of nodes take turns within the ten seconds, and cost one timer', async () => {
  const { kernel, clock } = await setup({ nodes: 2000, podCidr: '10.0.0.0/12' });
  assert.equal(kernel.all(Node).length, 2000);
  assert.equal(clock.pending, 1);
  const counts: number[] = [];
  for (let beat = 0; beat < 4; beat++) {
    await clock.step(beat === 0 ? 0 : 2500);
    counts.push(kernel.all(Lease).length);
  }
  assert.deepEqual(counts, [500, 1000, 1500, 2000]);
});

test('a runtime that comes later is waited for; one that does not is named', async () => {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const config = DEFAULT_CONFIG;
  const agent = testContext<AgentConfig>({ name: 'node.agent', config, kernel, clock });
  const activated = plugin.activate(agent.context);
  await clock.step(3000);
  assert.equal(kernel.all(Node).length, 0);
  assert.deepEqual(
    kernel.logs.map(({ message, fields }) => [message, fields.runtime]),
    [['Waiting for the runtime', 'runtime.sim']],
  );
  const host = testContext({ name: 'runtime.sim', kernel, clock });
  host.context.provide(runtimePoint, new FakeRuntime(clock));
  await clock.step(0);
  await activated;
  assert.equal(kernel.all(Node).length, 3);
});
