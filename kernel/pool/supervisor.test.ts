import assert from 'node:assert/strict';
import test from 'node:test';
import type { HostExit } from './host.ts';
import { PoolLimits } from './limits.ts';
import { ManualClock } from './pool-testing.ts';
import { Supervisor } from './supervisor.ts';

function openStarts() {
  const clock = new ManualClock();
  const exits: ((exit: HostExit) => void)[] = [];
  const startedAt: number[] = [];
  let failure: Error | undefined;
  let stops = 0;
  const supervisor = new Supervisor({
    clock,
    async start(onExit) {
      startedAt.push(clock.now());
      exits.push(onExit);
      if (failure) throw failure;
      return {
        async stop() {
          stops++;
        },
      };
    },
  });
  return {
    clock,
    supervisor,
    startedAt,
    exit: (reason: HostExit['reason'] = 'crashed') =>
      exits.at(-1)?.({ reason, error: new Error(reason) }),
    failWith(error: Error | undefined) {
      failure = error;
    },
    stops: () => stops,
  };
}

/** Lets what was started come to its end; nothing in these tests waits for more than promises. */
async function settle(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

test('a host that exits is started again after waits that double up to a bound', async () => {
  const { clock, supervisor, startedAt, exit } = openStarts();
  await supervisor.started;
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    exit();
    assert.equal(supervisor.state.phase, 'waiting');
    const before = clock.now();
    clock.advance(PoolLimits.restartBackoffMaxMs);
    await settle();
    waits.push((startedAt.at(-1) as number) - before);
  }
  assert.deepEqual(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
  assert.equal(waits.at(-1), PoolLimits.restartBackoffMaxMs);
  assert.deepEqual(
    { ...supervisor.state, lastError: undefined },
    {
      phase: 'running',
      restarts: 12,
      lastError: undefined,
    },
  );
});

test('a host that ran long is started again after the shortest wait', async () => {
  const { clock, supervisor, startedAt, exit } = openStarts();
  await supervisor.started;
  for (let i = 0; i < 3; i++) {
    exit();
    clock.advance(10_000);
    await settle();
  }
  clock.advance(PoolLimits.restartBackoffResetMs);
  const before = clock.now();
  exit();
  clock.advance(PoolLimits.restartBackoffMinMs);
  await settle();
  assert.equal(startedAt.at(-1), before + PoolLimits.restartBackoffMinMs);
});

test('a restart that fails is tried again, a first start that fails is not', async () => {
  const later = openStarts();
  await later.supervisor.started;
  later.failWith(new Error('no'));
  later.exit();
  later.clock.advance(1_000);
  await settle();
  assert.equal(later.supervisor.state.phase, 'waiting');
  assert.equal(later.supervisor.state.lastError?.message, 'no');
  later.failWith(undefined);
  later.clock.advance(2_000);
  await settle();
  assert.equal(later.supervisor.state.phase, 'running');

  const clock = new ManualClock();
  const first = new Supervisor({ clock, start: () => Promise.reject(new Error('never')) });
  await assert.rejects(first.started, /never/);
  clock.advance(PoolLimits.restartBackoffMaxMs);
  assert.equal(first.state.phase, 'stopped');
});

test('stop() ends a host and a wait for one', async () => {
  const running = openStarts();
  await running.supervisor.started;
  await running.supervisor.stop();
  assert.equal(running.stops(), 1);
  running.exit('stopped');
  running.clock.advance(PoolLimits.restartBackoffMaxMs);
  assert.equal(running.startedAt.length, 1);

  const waiting = openStarts();
  await waiting.supervisor.started;
  waiting.exit();
  await waiting.supervisor.stop();
  waiting.clock.advance(PoolLimits.restartBackoffMaxMs);
  assert.equal(waiting.startedAt.length, 1);
});

test('nothing is started beside a thread that did not terminate', async () => {
  const { clock, supervisor, startedAt, exit } = openStarts();
  await supervisor.started;
  exit('not-terminated');
  clock.advance(PoolLimits.restartBackoffMaxMs);
  assert.equal(startedAt.length, 1);
  assert.equal(supervisor.state.phase, 'stuck');
});
