import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflict, Event, Pod, type PodSpec, runtimePoint } from 'kernetes/sdk';
import { FakeRuntime, fakeClock, pod, TestKernel, testContext } from 'kernetes/sdk/testing';
import { type AgentConfig, DEFAULT_CONFIG } from './config.ts';
import plugin from './plugin.ts';

interface Setup {
  readonly kernel: TestKernel;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly runtime: FakeRuntime;
  restart(config?: Partial<AgentConfig>): Promise<void>;
}

async function setup(config: Partial<AgentConfig> = {}): Promise<Setup> {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const runtime = new FakeRuntime(clock);
  const host = testContext({ name: 'runtime.sim', kernel, clock });
  host.context.provide(runtimePoint, runtime);
  let dispose = async () => {};
  const restart = async (changed: Partial<AgentConfig> = {}) => {
    await dispose();
    const all = { ...DEFAULT_CONFIG, ...config, ...changed };
    const agent = testContext<AgentConfig>({ name: 'node.agent', config: all, kernel, clock });
    dispose = agent.dispose;
    await Promise.all([plugin.activate(agent.context), clock.step(0)]);
    await clock.step(0);
  };
  await restart();
  return { kernel, clock, runtime, restart };
}

/** A pod that the scheduler has put on `node-1`. */
function bound(name: string, spec: Partial<PodSpec> = {}, metadata = {}): Pod {
  const containers = [{ name: 'main', image: 'nginx' }];
  return pod(name, { metadata, spec: { nodeName: 'node-1', containers, ...spec } });
}

function statusOf(kernel: TestKernel, name: string): NonNullable<Pod['status']> {
  const { status } = kernel.get(Pod, `default/${name}`) ?? {};
  assert.ok(status, `pod ${name} has a status`);
  return status;
}

/** `main:running`, `main:waiting(CrashLoopBackOff)`, `main:terminated(0)`, init containers first. */
function containersOf(kernel: TestKernel, name: string): string[] {
  const { initContainerStatuses = [], containerStatuses = [] } = statusOf(kernel, name);
  return [...initContainerStatuses, ...containerStatuses].map(({ name: container, state }) => {
    if (state?.running) return `${container}:running`;
    if (state?.terminated) return `${container}:terminated(${state.terminated.exitCode})`;
    return `${container}:waiting(${state?.waiting?.reason})`;
  });
}

function isReady(kernel: TestKernel, name: string): boolean {
  return statusOf(kernel, name).conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function eventsOf(kernel: TestKernel, name: string): string[] {
  return kernel
    .all(Event)
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason }) => reason ?? '');
}

test('a pod bound to a node becomes Running and Ready, in one write of its status', async () => {
  const { kernel, clock } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(10);
  const status = statusOf(kernel, 'web');
  assert.equal(status.phase, 'Running');
  assert.equal(status.podIP, '10.244.0.2');
  assert.deepEqual(status.podIPs, [{ ip: '10.244.0.2' }]);
  assert.equal(status.hostIP, '172.18.0.2');
  assert.equal(status.startTime, '2026-01-01T00:00:00Z');
  assert.deepEqual(
    status.conditions?.map(({ type, status }) => `${type}=${status}`),
    [
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ],
  );
  assert.deepEqual(status.containerStatuses, [
    {
      name: 'main',
      image: 'nginx',
      imageID: 'fake/nginx',
      containerID: 'fake://1',
      state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      lastState: {},
      ready: true,
      started: true,
      restartCount: 0,
    },
  ]);
  assert.deepEqual(eventsOf(kernel, 'web'), ['Pulling', 'Pulled', 'Created', 'Started']);
  const writes = kernel.requests.filter(
    ({ resource, subresource }) => resource === 'pods' && subresource === 'status',
  );
  assert.equal(writes.length, 1);
});

/** What happens to a container, and what the pod looks like then. */
const LIFE_CYCLES: readonly {
  readonly name: string;
  readonly spec: Partial<PodSpec>;
  /** Exit codes of `main`, one after the other. */
  readonly exits: readonly number[];
  readonly phase: string;
  readonly containers: readonly string[];
  readonly restarts: number;
}[] = [
  {
    name: 'restartPolicy Always restarts what succeeded',
    spec: { restartPolicy: 'Always' },
    exits: [0],
    phase: 'Running',
    containers: ['main:running'],
    restarts: 1,
  },
  {
    name: 'restartPolicy OnFailure restarts what failed',
    spec: { restartPolicy: 'OnFailure' },
    exits: [1],
    phase: 'Running',
    containers: ['main:running'],
    restarts: 1,
  },
  {
    name: 'restartPolicy OnFailure ends with what succeeded',
    spec: { restartPolicy: 'OnFailure' },
    exits: [0],
    phase: 'Succeeded',
    containers: ['main:terminated(0)'],
    restarts: 0,
  },
  {
    name: 'restartPolicy Never succeeds',
    spec: { restartPolicy: 'Never' },
    exits: [0],
    phase: 'Succeeded',
    containers: ['main:terminated(0)'],
    restarts: 0,
  },
  {
    name: 'restartPolicy Never fails',
    spec: { restartPolicy: 'Never' },
    exits: [3],
    phase: 'Failed',
    containers: ['main:terminated(3)'],
    restarts: 0,
  },
  {
    name: 'the second crash waits in CrashLoopBackOff',
    spec: { restartPolicy: 'Always' },
    exits: [1, 1],
    phase: 'Running',
    containers: ['main:waiting(CrashLoopBackOff)'],
    restarts: 1,
  },
];

for (const { name, spec, exits, phase, containers, restarts } of LIFE_CYCLES) {
  test(`pod life: ${name}`, async () => {
    const { kernel, clock, runtime } = await setup();
    kernel.add(Pod, bound('web', spec));
    await clock.step(1000);
    for (const code of exits) {
      runtime.exit('default/web', 'main', code);
      await clock.step(1000);
    }
    assert.equal(statusOf(kernel, 'web').phase, phase);
    assert.deepEqual(containersOf(kernel, 'web'), containers);
    assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.restartCount, restarts);
    assert.equal(isReady(kernel, 'web'), containers[0] === 'main:running');
  });
}

test('crashes are backed off by 10 s, doubling to 5 min, and forgotten after 10 min', async () => {
  const { kernel, clock, runtime } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  const waits: number[] = [];
  for (let crash = 0; crash < 8; crash++) {
    runtime.exit('default/web', 'main', 1);
    const crashed = clock.now();
    await clock.until(() => runtime.running().length === 1);
    waits.push((clock.now() - crashed) / 1000);
    await clock.step(1000 - (clock.now() % 1000));
  }
  assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
  await clock.step(601_000);
  runtime.exit('default/web', 'main', 1);
  await clock.step(0);
  assert.deepEqual(runtime.running(), ['default/web main']);
  const status = statusOf(kernel, 'web').containerStatuses?.[0];
  assert.equal(status?.lastState?.terminated?.exitCode, 1);
});

test('a crashing container says why it waits', async () => {
  const { kernel, clock, runtime } = await setup();
  const [{ metadata } = {}] = kernel.add(Pod, bound('web'));
  for (let crash = 0; crash < 2; crash++) {
    await clock.step(1000);
    runtime.exit('default/web', 'main', 1);
  }
  await clock.step(1000);
  const { state, lastState, ready } = statusOf(kernel, 'web').containerStatuses?.[0] ?? {};
  assert.equal(
    state?.waiting?.message,
    `back-off 10s restarting failed container=main pod=web_default(${metadata?.uid})`,
  );
  assert.deepEqual(
    [lastState?.terminated?.exitCode, lastState?.terminated?.reason, ready],
    [1, 'Error', false],
  );
  assert.ok(eventsOf(kernel, 'web').includes('BackOff'));
});

test('init containers run in order, a sidecar stays, and main containers come last', async () => {
  const { kernel, clock, runtime } = await setup();
  const initContainers = [
    { name: 'first', image: 'a' },
    { name: 'proxy', image: 'b', restartPolicy: 'Always' },
    { name: 'second', image: 'c' },
  ];
  kernel.add(Pod, bound('web', { initContainers, restartPolicy: 'Never' }));
  await clock.step(1000);
  assert.deepEqual(runtime.running(), ['default/web first']);
  assert.equal(statusOf(kernel, 'web').phase, 'Pending');
  assert.equal(containersOf(kernel, 'web')[3], 'main:waiting(PodInitializing)');
  runtime.exit('default/web', 'first');
  await clock.step(1000);
  assert.deepEqual(runtime.running(), ['default/web proxy', 'default/web second']);
  runtime.exit('default/web', 'second');
  await clock.step(1000);
  assert.deepEqual(runtime.running(), ['default/web main', 'default/web proxy']);
  assert.ok(isReady(kernel, 'web'));
  runtime.exit('default/web', 'main');
  await clock.step(1000);
  assert.deepEqual(runtime.running(), [], 'the sidecar ends with the pod');
  assert.equal(statusOf(kernel, 'web').phase, 'Succeeded');
});

test('a sidecar that crashes is restarted beside running main containers', async () => {
  const { kernel, clock, runtime } = await setup();
  const initContainers = [{ name: 'proxy', image: 'b', restartPolicy: 'Always' }];
  kernel.add(Pod, bound('web', { initContainers }));
  await clock.step(1000);
  runtime.exit('default/web', 'proxy', 1);
  await clock.step(1000);
  assert.deepEqual(runtime.running(), ['default/web main', 'default/web proxy']);
  assert.equal(statusOf(kernel, 'web').initContainerStatuses?.[0]?.restartCount, 1);
});

test('a failed init container fails a pod that never restarts', async () => {
  const { kernel, clock, runtime } = await setup();
  const initContainers = [{ name: 'init', image: 'a' }];
  kernel.add(Pod, bound('web', { initContainers, restartPolicy: 'Never' }));
  await clock.step(1000);
  runtime.exit('default/web', 'init', 2);
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'web').phase, 'Failed');
  assert.deepEqual(runtime.running(), []);
});

test('a missing image shows ErrImagePull, then ImagePullBackOff, and is tried again', async () => {
  const { kernel, clock, runtime } = await setup();
  runtime.missing.add('nginx');
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:waiting(ErrImagePull)']);
  await clock.step(2000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:waiting(ImagePullBackOff)']);
  assert.deepEqual(eventsOf(kernel, 'web'), ['Pulling', 'Failed', 'Failed', 'BackOff', 'Failed']);
  runtime.missing.clear();
  await clock.step(10_000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:running']);
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.restartCount, 0);
});

test('imagePullPolicy Never does not pull', async () => {
  const { kernel, clock, runtime } = await setup();
  const containers = [{ name: 'main', image: 'nginx', imagePullPolicy: 'Never' }];
  kernel.add(Pod, bound('web', { containers }));
  await clock.step(1000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:waiting(ErrImageNeverPull)']);
  assert.ok(!runtime.calls.some(call => call.startsWith('pull')));
});

test('a container that cannot start says so and is tried again', async () => {
  const { kernel, clock, runtime } = await setup();
  runtime.refused.set('main', 'no such file');
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:waiting(RunContainerError)']);
  runtime.refused.clear();
  await clock.step(10_000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:running']);
});

test('a sandbox that cannot be made is tried again', async () => {
  const { kernel, clock, runtime } = await setup();
  runtime.sandboxFailure = 'no network';
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:waiting(ContainerCreating)']);
  assert.deepEqual(eventsOf(kernel, 'web'), ['FailedCreatePodSandBox']);
  runtime.sandboxFailure = undefined;
  await clock.step(10_000);
  assert.deepEqual(containersOf(kernel, 'web'), ['main:running']);
});

test('readiness follows the readiness probe, with its delay and thresholds', async () => {
  const { kernel, clock, runtime } = await setup();
  const readinessProbe = {
    exec: { command: ['true'] },
    initialDelaySeconds: 5,
    periodSeconds: 10,
    failureThreshold: 2,
  };
  kernel.add(Pod, bound('web', { containers: [{ name: 'main', image: 'nginx', readinessProbe }] }));
  await clock.step(4000);
  assert.equal(statusOf(kernel, 'web').phase, 'Running');
  assert.ok(!isReady(kernel, 'web'));
  await clock.step(2000);
  assert.ok(isReady(kernel, 'web'));
  runtime.probes.set('main', { ok: false, message: 'statuscode: 500' });
  await clock.step(10_000);
  assert.ok(isReady(kernel, 'web'), 'one failure is not enough');
  await clock.step(10_000);
  assert.ok(!isReady(kernel, 'web'));
  const condition = statusOf(kernel, 'web').conditions?.find(({ type }) => type === 'Ready');
  assert.equal(condition?.lastTransitionTime, '2026-01-01T00:00:25Z');
  assert.equal(condition?.message, 'containers with unready status: [main]');
  assert.ok(eventsOf(kernel, 'web').includes('Unhealthy'));
});

test('a failing liveness probe restarts the container', async () => {
  const { kernel, clock, runtime } = await setup();
  const livenessProbe = { exec: { command: ['true'] }, periodSeconds: 5, failureThreshold: 3 };
  kernel.add(Pod, bound('web', { containers: [{ name: 'main', image: 'nginx', livenessProbe }] }));
  await clock.step(20_000);
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.restartCount, 0);
  runtime.probes.set('main', { ok: false, message: 'no' });
  await clock.step(15_000);
  runtime.probes.clear();
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.restartCount, 1);
  assert.ok(eventsOf(kernel, 'web').includes('Killing'));
});

test('the other probes wait for the startup probe', async () => {
  const { kernel, clock, runtime } = await setup();
  runtime.probes.set('main', { ok: false });
  const startupProbe = { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 30 };
  kernel.add(Pod, bound('web', { containers: [{ name: 'main', image: 'nginx', startupProbe }] }));
  await clock.step(5000);
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.started, false);
  assert.ok(!isReady(kernel, 'web'));
  runtime.probes.clear();
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.started, true);
  assert.ok(isReady(kernel, 'web'));
});

test('readiness gates hold the pod back until others set their conditions', async () => {
  const { kernel, clock } = await setup();
  kernel.add(Pod, bound('web', { readinessGates: [{ conditionType: 'example.com/lb' }] }));
  await clock.step(1000);
  assert.ok(!isReady(kernel, 'web'));
  kernel.modify(Pod, 'default/web', ({ status }) => {
    status?.conditions?.push({ type: 'example.com/lb', status: 'True' });
  });
  await clock.step(1000);
  assert.ok(isReady(kernel, 'web'));
  const types = statusOf(kernel, 'web').conditions?.map(({ type }) => type);
  assert.ok(types?.includes('example.com/lb'), 'the condition of others is kept');
});

/** Deletes as the API server does for a pod with grace; the finalizer stands for that grace. */
async function deleteGracefully(kernel: TestKernel, name: string, seconds = 30): Promise<void> {
  kernel.modify(Pod, `default/${name}`, ({ metadata }) => {
    metadata.deletionGracePeriodSeconds = seconds;
  });
  await kernel.objects.delete(Pod, { namespace: 'default', name });
}

const HELD = { finalizers: ['test/grace'] };

test('graceful termination stops the containers, reports their end, then deletes by uid', async () => {
  const { kernel, clock, runtime } = await setup();
  const [{ metadata } = {}] = kernel.add(Pod, bound('web', {}, HELD));
  await clock.step(1000);
  runtime.stubborn = true;
  await deleteGracefully(kernel, 'web');
  await clock.step(5000);
  assert.ok(runtime.calls.includes('stop default/web main 30000'));
  assert.deepEqual(containersOf(kernel, 'web'), ['main:running'], 'it may use its grace');
  assert.ok(!kernel.requests.some(({ verb }) => verb === 'delete'));
  runtime.exit('default/web', 'main', 143);
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'web').phase, 'Failed');
  assert.deepEqual(containersOf(kernel, 'web'), ['main:terminated(143)']);
  const deletes = kernel.requests.filter(({ verb }) => verb === 'delete');
  const body = { gracePeriodSeconds: 0, preconditions: { uid: metadata?.uid } };
  assert.deepEqual(
    deletes.map(request => request.body),
    [{ apiVersion: 'v1', kind: 'DeleteOptions', ...body }],
  );
  assert.ok(eventsOf(kernel, 'web').includes('Killing'));
});

test('a shorter grace reaches the runtime; a longer one does not', async () => {
  const { kernel, clock, runtime } = await setup();
  kernel.add(Pod, bound('web', {}, HELD));
  await clock.step(1000);
  runtime.stubborn = true;
  await deleteGracefully(kernel, 'web', 30);
  await clock.step(1000);
  for (const seconds of [5, 60]) {
    kernel.modify(Pod, 'default/web', ({ metadata }) => {
      metadata.deletionGracePeriodSeconds = seconds;
    });
    await clock.step(1000);
  }
  const stops = runtime.calls.filter(call => call.startsWith('stop'));
  assert.deepEqual(stops, ['stop default/web main 30000', 'stop default/web main 5000']);
});

test('a pod deleted while its image is missing goes at once', async () => {
  const { kernel, clock, runtime } = await setup();
  runtime.missing.add('nginx');
  kernel.add(Pod, bound('web', {}, HELD));
  await clock.step(1000);
  await deleteGracefully(kernel, 'web');
  await clock.step(1000);
  assert.ok(kernel.requests.some(({ verb }) => verb === 'delete'));
});

test('a pod deleted by force is removed from the runtime', async () => {
  const { kernel, clock, runtime } = await setup();
  const [{ metadata } = {}] = kernel.add(Pod, bound('web'));
  await clock.step(1000);
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'web' });
  await clock.step(1000);
  assert.deepEqual(runtime.running(), []);
  assert.ok(runtime.calls.includes(`removePod ${metadata?.uid}`));
});

test('addresses are unique, and one is free again when its pod is gone', async () => {
  const { kernel, clock } = await setup({ podCidr: '10.1.0.0/27', nodeCidrMaskSize: 29, nodes: 1 });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) kernel.add(Pod, bound(name));
  await clock.step(1000);
  const ips = ['a', 'b', 'c', 'd', 'e'].map(name => statusOf(kernel, name).podIP);
  assert.deepEqual(ips, ['10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6']);
  assert.equal(statusOf(kernel, 'f').podIP, undefined);
  assert.deepEqual(eventsOf(kernel, 'f'), ['FailedCreatePodSandBox']);
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'c' });
  await clock.step(11_000);
  assert.equal(statusOf(kernel, 'f').podIP, '10.1.0.4');
});

test('a finished pod gives its address back but still shows it', async () => {
  const { kernel, clock, runtime } = await setup({
    podCidr: '10.1.0.0/28',
    nodeCidrMaskSize: 30,
    nodes: 1,
  });
  kernel.add(Pod, bound('job', { restartPolicy: 'Never' }));
  await clock.step(1000);
  runtime.exit('default/job', 'main');
  await clock.step(1000);
  kernel.add(Pod, bound('next'));
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'job').podIP, '10.1.0.2');
  assert.equal(statusOf(kernel, 'next').podIP, '10.1.0.2');
});

test('a pod on the network of its node has the address of the node', async () => {
  const { kernel, clock } = await setup();
  kernel.add(Pod, bound('proxy', { hostNetwork: true }));
  await clock.step(1000);
  const { podIP, hostIP } = statusOf(kernel, 'proxy');
  assert.deepEqual([podIP, hostIP], ['172.18.0.2', '172.18.0.2']);
});

test('after a restart pods go on: same addresses, same containers, nothing written', async () => {
  const { kernel, clock, runtime, restart } = await setup();
  kernel.add(Pod, bound('a'), bound('b'), bound('gone'));
  await clock.step(1000);
  const before = ['a', 'b'].map(name => kernel.get(Pod, `default/${name}`));
  kernel.requests.length = 0;
  await restart();
  await clock.step(1000);
  const after = ['a', 'b'].map(name => kernel.get(Pod, `default/${name}`));
  assert.deepEqual(after, before);
  const writes = kernel.requests.filter(({ verb, resource }) => {
    return verb !== 'list' && resource !== 'leases';
  });
  assert.deepEqual(writes, []);
  kernel.add(Pod, bound('c'));
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'c').podIP, '10.244.0.5');
  runtime.exit('default/a', 'main', 1);
  await clock.step(1000);
  assert.equal(statusOf(kernel, 'a').containerStatuses?.[0]?.restartCount, 1);
});

test('after a restart a container that the runtime lost is started again', async () => {
  const { kernel, clock, runtime, restart } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  const { uid = '' } = kernel.get(Pod, 'default/web')?.metadata ?? {};
  await runtime.removePod(uid);
  await restart();
  await clock.step(1000);
  const status = statusOf(kernel, 'web').containerStatuses?.[0];
  assert.equal(status?.restartCount, 1);
  assert.equal(status?.lastState?.terminated?.reason, 'ContainerStatusUnknown');
  assert.ok(status?.ready);
});

test('after a restart what the API has no more is removed from the runtime', async () => {
  const { kernel, clock, runtime, restart } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  kernel.silently(() => void kernel.objects.delete(Pod, { namespace: 'default', name: 'web' }));
  await restart();
  await clock.step(1000);
  assert.deepEqual(runtime.running(), []);
});

test('a status that another client changed is put right', async () => {
  const { kernel, clock } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  kernel.modify(Pod, 'default/web', ({ status }) => {
    for (const condition of status?.conditions ?? []) {
      if (condition.type === 'Ready') condition.status = 'False';
    }
  });
  await clock.step(1000);
  assert.ok(isReady(kernel, 'web'));
});

test('a status write that conflicts is repeated', async () => {
  const { kernel, clock } = await setup();
  let conflicts = 0;
  kernel.fault = ({ resource, subresource, name = '' }) => {
    if (resource !== 'pods' || subresource !== 'status' || ++conflicts > 1) return undefined;
    return conflict({ group: '', resource }, name);
  };
  kernel.add(Pod, bound('web'));
  await clock.step(500);
  assert.equal(kernel.get(Pod, 'default/web')?.status, undefined);
  await clock.step(1000);
  assert.ok(isReady(kernel, 'web'));
});

test('pods on nodes of others are left alone', async () => {
  const { kernel, clock, runtime } = await setup();
  kernel.add(Pod, bound('web', { nodeName: 'kwok-1' }));
  await clock.step(1000);
  assert.equal(kernel.get(Pod, 'default/web')?.status, undefined);
  assert.deepEqual(runtime.calls, []);
});

test('a pod of the same name is another pod', async () => {
  const { kernel, clock, runtime } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'web' });
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  assert.deepEqual(runtime.running(), ['default/web main']);
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.restartCount, 0);
});

test('after a restart a status that was changed meanwhile is put right', async () => {
  const { kernel, clock, restart } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  kernel.silently(() => {
    kernel.modify(Pod, 'default/web', ({ status }) => {
      for (const condition of status?.conditions ?? []) condition.status = 'Unknown';
    });
  });
  await restart();
  await clock.step(1000);
  assert.ok(isReady(kernel, 'web'));
});

test('after a restart readiness gates are still looked at', async () => {
  const { kernel, clock, restart } = await setup();
  kernel.add(Pod, bound('web', { readinessGates: [{ conditionType: 'example.com/lb' }] }));
  await clock.step(1000);
  await restart();
  kernel.modify(Pod, 'default/web', ({ status }) => {
    status?.conditions?.push({ type: 'example.com/lb', status: 'True' });
  });
  await clock.step(1000);
  assert.ok(isReady(kernel, 'web'));
});

test('a pod that was being deleted when the agent ended is still ended with grace', async () => {
  const { kernel, clock, runtime, restart } = await setup();
  kernel.add(Pod, bound('web', {}, HELD));
  await clock.step(1000);
  runtime.stubborn = true;
  await deleteGracefully(kernel, 'web');
  await clock.step(1000);
  runtime.calls.length = 0;
  await restart();
  await clock.step(1000);
  assert.ok(runtime.calls.includes('stop default/web main 30000'));
  runtime.exit('default/web', 'main');
  await clock.step(1000);
  assert.ok(kernel.requests.some(({ verb }) => verb === 'delete'));
});

test('a pod bound before its node is there runs when it is', async () => {
  const { kernel, clock, runtime, restart } = await setup({ nodes: 1 });
  kernel.add(Pod, bound('web', { nodeName: 'node-2' }));
  await clock.step(1000);
  assert.deepEqual(runtime.running(), []);
  await restart({ nodes: 2 });
  await clock.step(1000);
  assert.deepEqual(runtime.running(), ['default/web main']);
});

test('a condition that becomes true loses the reason why it was not', async () => {
  const { kernel, clock, runtime } = await setup();
  runtime.refused.set('main', 'no');
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  const ready = () => statusOf(kernel, 'web').conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready()?.reason, 'ContainersNotReady');
  runtime.refused.clear();
  await clock.step(10_000);
  assert.deepEqual(ready(), {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: '2026-01-01T00:00:10Z',
  });
});

test('a status does not undo what another client wrote in between', async () => {
  const { kernel, clock, runtime } = await setup();
  kernel.add(Pod, bound('web'));
  await clock.step(1000);
  // The watch is down: the agent does not know of the other's condition when it writes.
  kernel.silently(() => {
    kernel.modify(Pod, 'default/web', ({ status }) => {
      status?.conditions?.push({ type: 'example.com/lb', status: 'True' });
    });
  });
  runtime.exit('default/web', 'main', 1);
  await clock.step(500);
  kernel.endWatches();
  await clock.step(10_000);
  const types = statusOf(kernel, 'web').conditions?.map(({ type }) => type);
  assert.ok(types?.includes('example.com/lb'));
  assert.equal(statusOf(kernel, 'web').containerStatuses?.[0]?.restartCount, 1);
});
