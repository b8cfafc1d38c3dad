import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerExit, PodSandbox, StartResult } from 'kernetes/sdk';
import {
  type FakeClock,
  fakeClock,
  seededRandom,
  testContext,
  testRuntime,
} from 'kernetes/sdk/testing';
import type { BehaviourConfig } from './behaviour.ts';
import { SimNetwork } from './sim-network.ts';
import { SimRuntime } from './sim-runtime.ts';
import { UsageMeter } from './usage-meter.ts';

const CONFIG: BehaviourConfig = { pullMs: 0, startMs: 0, stopMs: 0, images: [] };

function simRuntime(clock: FakeClock, config: Partial<BehaviourConfig> = {}): SimRuntime {
  const { events, log } = testContext({ clock }).context;
  const meter = new UsageMeter({ clock, events, loads: () => [], seed: 1 });
  const network = new SimNetwork(clock);
  const own = { config: { ...CONFIG, ...config }, random: seededRandom() };
  return new SimRuntime({ ...own, clock, log, network, meter });
}

testRuntime('sim', {
  async create() {
    const clock = fakeClock();
    const runtime = simRuntime(clock, { images: [{ image: '^gone$', missing: true }] });
    return {
      runtime,
      until: condition => clock.until(condition),
      settle: () => clock.step(60_000),
      dispose: async () => {},
    };
  },
  server: { name: 'main', image: 'nginx' },
  ending: exitCode => ({
    name: 'main',
    image: 'busybox',
    command: ['sh', '-c', `exit ${exitCode}`],
  }),
  missingImage: 'gone',
});

const POD: PodSandbox = {
  uid: 'u1',
  namespace: 'default',
  name: 'web',
  node: 'node-1',
  hostNetwork: false,
};

interface Started {
  readonly clock: FakeClock;
  readonly runtime: SimRuntime;
  readonly exits: ContainerExit[];
  readonly result: StartResult & { ok: true };
}

async function started(
  container: { image: string; command?: string[] },
  config: Partial<BehaviourConfig> = {},
): Promise<Started> {
  const clock = fakeClock();
  const runtime = simRuntime(clock, config);
  const exits: ContainerExit[] = [];
  runtime.subscribe({ exited: exit => void exits.push(exit) });
  await runtime.runPod(POD);
  const starting = runtime.startContainer({
    pod: POD,
    container: { name: 'main', ...container },
    attempt: 0,
  });
  await clock.step(10_000);
  const result = await starting;
  assert.ok(result.ok);
  return { clock, runtime, exits, result };
}

test('a container that runs for ever costs no timer', async () => {
  const { clock } = await started({ image: 'nginx' });
  assert.equal(clock.pending, 0);
});

test('images take their time to pull, and stay on their node', async () => {
  const clock = fakeClock();
  const runtime = simRuntime(clock, { pullMs: 1500 });
  let done = false;
  const pulling = runtime.pullImage('node-1', 'nginx').finally(() => {
    done = true;
  });
  await clock.step(1499);
  assert.ok(!done);
  await clock.step(1);
  assert.ok((await pulling).ok);
  assert.match(
    (await runtime.findImage('node-1', 'nginx')) ?? '',
    /^docker.io\/library\/nginx@sha256:/,
  );
  assert.equal(await runtime.findImage('node-2', 'nginx'), undefined);
});

test('a preloaded image is on every node', async () => {
  const runtime = simRuntime(fakeClock(), { images: [{ image: 'app', preloaded: true }] });
  assert.notEqual(await runtime.findImage('node-7', 'my/app:1'), undefined);
});

test('an image name that is none is refused', async () => {
  const pulled = await simRuntime(fakeClock()).pullImage('node-1', 'Nginx:1');
  assert.ok(!pulled.ok);
  assert.equal(pulled.reason, 'InvalidImageName');
});

test('containers take their time to start', async () => {
  const { result } = await started({ image: 'nginx' }, { startMs: 700 });
  assert.equal(result.startedAtMs, Date.UTC(2026, 0, 1) + 700);
});

test('a pod removed while its container starts has no container', async () => {
  const clock = fakeClock();
  const runtime = simRuntime(clock, { startMs: 700 });
  await runtime.runPod(POD);
  const container = { name: 'main', image: 'nginx' };
  const starting = runtime.startContainer({ pod: POD, container, attempt: 0 });
  await runtime.removePod(POD.uid);
  await clock.step(700);
  assert.equal((await starting).ok, false);
});

const STOPS: readonly {
  readonly name: string;
  readonly stopMs: number;
  readonly graces: readonly number[];
  readonly exitCode: number;
  readonly afterMs: number;
}[] = [
  { name: 'at once', stopMs: 0, graces: [30_000], exitCode: 0, afterMs: 0 },
  { name: 'in its own time', stopMs: 4000, graces: [30_000], exitCode: 0, afterMs: 4000 },
  {
    name: 'killed after its grace',
    stopMs: 60_000,
    graces: [30_000],
    exitCode: 137,
    afterMs: 30_000,
  },
  { name: 'killed with no grace', stopMs: 60_000, graces: [0], exitCode: 137, afterMs: 0 },
  {
    name: 'with a grace made shorter',
    stopMs: 60_000,
    graces: [30_000, 5000],
    exitCode: 137,
    afterMs: 5000,
  },
  {
    name: 'with a grace made longer',
    stopMs: 60_000,
    graces: [5000, 30_000],
    exitCode: 137,
    afterMs: 5000,
  },
];

for (const { name, stopMs, graces, exitCode, afterMs } of STOPS) {
  test(`stopContainer() ends a container ${name}`, async () => {
    const { clock, runtime, exits, result } = await started({ image: 'nginx' }, { stopMs });
    const asked = clock.now();
    for (const grace of graces) runtime.stopContainer(result.id, grace);
    await clock.step(120_000);
    assert.equal(exits.length, 1);
    assert.equal(exits[0]?.exitCode, exitCode);
    assert.equal((exits[0]?.finishedAtMs ?? 0) - asked, afterMs);
  });
}

test('a container that ends sooner than it stops ends by itself', async () => {
  const { clock, runtime, exits, result } = await started(
    { image: 'busybox', command: ['sleep', '12'] },
    { stopMs: 5000 },
  );
  await clock.step(0);
  runtime.stopContainer(result.id, 30_000);
  await clock.step(60_000);
  assert.deepEqual(
    exits.map(exit => [exit.exitCode, exit.finishedAtMs - result.startedAtMs]),
    [[0, 12_000]],
  );
});

test('after a restart of everything a sleep has what was left of it', async () => {
  const { clock, result } = await started({ image: 'busybox', command: ['sleep', '60'] });
  await clock.step(result.startedAtMs + 50_000 - clock.now());
  const again = simRuntime(clock);
  const exits: ContainerExit[] = [];
  again.subscribe({ exited: exit => void exits.push(exit) });
  const container = { name: 'main', image: 'busybox', command: ['sleep', '60'] };
  const request = { pod: POD, container, attempt: 0, ...result };
  assert.equal(await again.resumeContainer(request), undefined, 'its pod must run first');
  await again.runPod(POD);
  assert.deepEqual(await again.resumeContainer(request), { running: true });
  await clock.step(60_000);
  assert.deepEqual(
    exits.map(exit => [exit.id, exit.finishedAtMs - result.startedAtMs]),
    [[result.id, 60_000]],
  );
});

test('after a restart of everything a sleep that is over has ended when it would have', async () => {
  const { clock, result } = await started({ image: 'busybox', command: ['sleep', '60'] });
  await clock.step(3_600_000);
  const again = simRuntime(clock);
  await again.runPod(POD);
  const container = { name: 'main', image: 'busybox', command: ['sleep', '60'] };
  const outcome = await again.resumeContainer({ pod: POD, container, attempt: 0, ...result });
  assert.ok(outcome && !outcome.running);
  assert.equal(outcome.exit.finishedAtMs - result.startedAtMs, 60_000);
});

test('probes answer as configured, finally once nothing changes any more', async () => {
  const { clock, runtime, result } = await started(
    { image: 'slow' },
    { images: [{ image: 'slow', probe: { ok: true, afterMs: 20_000, message: 'not yet' } }] },
  );
  assert.deepEqual(await runtime.probe(result.id, {}), {
    ok: false,
    message: 'not yet',
    final: false,
  });
  await clock.step(10_000);
  assert.deepEqual(await runtime.probe(result.id, {}), { ok: true, final: true });
});

test('a sink that throws does not keep others from hearing', async () => {
  const clock = fakeClock();
  const runtime = simRuntime(clock);
  const exits: ContainerExit[] = [];
  runtime.subscribe({
    exited() {
      throw new Error('no');
    },
  });
  runtime.subscribe({ exited: exit => void exits.push(exit) });
  await runtime.runPod(POD);
  const container = { name: 'main', image: 'busybox', command: ['true'] };
  await runtime.startContainer({ pod: POD, container, attempt: 0 });
  await clock.step(1);
  assert.equal(exits.length, 1);
});
