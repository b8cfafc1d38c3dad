import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSchedulerContribution,
  Event,
  Node,
  Pod,
  type SchedulerPlugin,
  schedulerPoint,
  type Verdict,
  verdict,
} from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';
import { LATE_POINT_MS_MAX } from '../limits.ts';
import type { PluginSetting } from '../profile/profile.ts';
import { startScheduler } from '../test-setup.ts';

const ONE_EACH: SchedulerPlugin = {
  name: 'OneEach',
  requeueOn: ['NodeAdd', 'PodDelete'],
  filter: ({ node: { pods } }) =>
    pods.length > 0 ? verdict.unschedulable('Too many pods') : undefined,
};

/** Holds pods until `size` of them have a place. */
function gang(size: number, timeoutMs = 10_000) {
  const calls: string[] = [];
  const held = new Map<string, (verdict?: Verdict) => void>();
  const plugin: SchedulerPlugin = {
    name: 'Gang',
    requeueOn: ['NodeAdd'],
    reserve: ({ pod: { name } }) => void calls.push(`reserve ${name}`),
    unreserve: ({ pod: { name } }) => {
      calls.push(`unreserve ${name}`);
      held.delete(name);
    },
    permit({ pod: { name } }) {
      if (held.size + 1 >= size) {
        for (const release of held.values()) release();
        return undefined;
      }
      return verdict.wait(new Promise(resolve => held.set(name, resolve)), timeoutMs);
    },
  };
  return { plugin, calls, held };
}

async function setUp(
  plugins: readonly SchedulerPlugin[],
  nodeCount: number,
  settings?: readonly PluginSetting[],
) {
  const started = await startScheduler({ plugins, ...(settings && { settings }) });
  for (let i = 0; i < nodeCount; i++) started.kernel.add(Node, node(`n${i}`));
  const placed = () => started.kernel.all(Pod).filter(({ spec }) => spec?.nodeName).length;
  const failures = () =>
    started.kernel
      .all(Event)
      .filter(({ reason }) => reason === 'FailedScheduling')
      .map(({ message }) => message);
  return { ...started, placed, failures };
}

test('pods that wait for each other are bound together, or not at all', async () => {
  const { plugin } = gang(3);
  const { kernel, clock, placed, failures, dispose } = await setUp([ONE_EACH, plugin], 3);
  await clock.step(5000);
  const timers = clock.pending;
  kernel.add(Pod, pod('a'), pod('b'));
  await clock.step(5000);
  assert.equal(placed(), 0);
  kernel.add(Pod, pod('c'));
  await clock.step(2000);
  assert.equal(placed(), 3);
  assert.equal(clock.pending, timers, 'no timer of a wait is left');
  assert.deepEqual(failures(), []);
  await dispose();
});

test('a pod that waits keeps its place, and gives it back when its time is over', async () => {
  const { plugin, calls } = gang(2);
  const { kernel, clock, placed, failures, dispose } = await setUp([ONE_EACH, plugin], 1);
  kernel.add(Pod, pod('a'));
  await clock.step(100);
  kernel.add(Pod, pod('b'));
  await clock.step(9_000);
  assert.deepEqual(failures(), ['0/1 nodes are available: 1 Too many pods.']);
  await clock.step(1_000);
  const late = '1 rejected due to timeout after waiting 10s at plugin Gang';
  assert.ok(failures().includes(`0/1 nodes are available: ${late}.`));
  assert.deepEqual(calls.slice(0, 2), ['reserve a', 'unreserve a']);
  assert.equal(calls[2], 'reserve b', 'it has the place now');
  assert.equal(placed(), 0);
  await dispose();
});

const ENDS: readonly {
  readonly how: string;
  readonly end: (release: (verdict?: Verdict) => void, fail: (error: Error) => void) => void;
  readonly says: string;
}[] = [
  {
    how: 'a refusal',
    end: release => release(verdict.unschedulable('the gang broke up')),
    says: '0/1 nodes are available: 1 the gang broke up.',
  },
  {
    how: 'a rejection',
    end: (_, fail) => fail(new Error('lost')),
    says: '0/1 nodes are available: 1 lost.',
  },
];

for (const { how, end, says } of ENDS) {
  test(`permit() that ends its wait with ${how} undoes the reservations, last first`, async () => {
    const calls: string[] = [];
    let finish = () => {};
    const waiting: SchedulerPlugin = {
      name: 'Waiting',
      requeueOn: [],
      permit() {
        const until = new Promise<Verdict | undefined>((resolve, reject) => {
          finish = () => end(resolve, reject);
        });
        return verdict.wait(until, 60_000);
      },
    };
    const keepers = ['X', 'Y'].map(
      (name): SchedulerPlugin => ({
        name,
        reserve: () => void calls.push(`reserve ${name}`),
        unreserve: () => void calls.push(`unreserve ${name}`),
      }),
    );
    const { kernel, clock, failures, dispose } = await setUp([...keepers, waiting], 1);
    kernel.add(Pod, pod('a'));
    await clock.step(100);
    finish();
    await clock.step(10);
    assert.deepEqual(failures(), [says]);
    assert.deepEqual(calls, ['reserve X', 'reserve Y', 'unreserve Y', 'unreserve X']);
    await dispose();
  });
}

test('all permits are asked before any is waited for', async () => {
  const releases: (() => void)[] = [];
  const asked: string[] = [];
  const waiting = ['A', 'B'].map(
    (name): SchedulerPlugin => ({
      name,
      permit() {
        asked.push(name);
        const until = new Promise<undefined>(resolve => releases.push(() => resolve(undefined)));
        return verdict.wait(until, 60_000);
      },
    }),
  );
  const { kernel, clock, placed, dispose } = await setUp(waiting, 1);
  kernel.add(Pod, pod('a'));
  await clock.step(100);
  assert.deepEqual(asked, ['A', 'B']);
  releases[1]?.();
  await clock.step(100);
  assert.equal(placed(), 0);
  releases[0]?.();
  await clock.step(100);
  assert.equal(placed(), 1);
  await dispose();
});

test('a pod deleted while it waits gives its place back at once', async () => {
  const { plugin, calls } = gang(2);
  const { kernel, clock, failures, dispose } = await setUp([ONE_EACH, plugin], 1);
  kernel.add(Pod, pod('a'), pod('b'));
  await clock.step(100);
  await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
  await clock.step(2000);
  assert.deepEqual(calls, ['reserve a', 'unreserve a', 'reserve b']);
  assert.deepEqual(failures(), ['0/1 nodes are available: 1 Too many pods.'], 'none for "a"');
  await dispose();
});

test('a pod whose plugin is unloaded while it waits is tried again without', async () => {
  const { plugin } = gang(2);
  const { kernel, clock, context, nodeOf, dispose } = await setUp([ONE_EACH], 1);
  const contribution = createSchedulerContribution(plugin, {});
  const unload = context.provide(schedulerPoint, contribution, 'Gang');
  kernel.add(Pod, pod('a'));
  await clock.step(100);
  assert.equal(nodeOf('a'), undefined);
  await unload();
  await clock.step(2000);
  assert.equal(nodeOf('a'), 'n0');
  await dispose();
});

test('nothing waits when the scheduler has ended', async () => {
  const { plugin, calls } = gang(2);
  const { kernel, clock, failures, dispose } = await setUp([plugin], 1);
  kernel.add(Pod, pod('a'));
  await clock.step(100);
  await dispose();
  await clock.step(60_000);
  assert.deepEqual([clock.pending, failures(), calls], [0, [], ['reserve a', 'unreserve a']]);
});

const NEVER = new Promise<never>(() => {});
interface BadCase {
  readonly does: string;
  readonly plugin: Partial<SchedulerPlugin>;
  readonly says: RegExp;
  readonly afterMs?: number;
}
const LATE = /^running plugin "Bad": Plugin did not answer: waited \d+ ms$/;

const BAD: readonly BadCase[] = [
  {
    does: 'permit that never settles',
    plugin: { permit: () => NEVER },
    says: LATE,
    afterMs: LATE_POINT_MS_MAX,
  },
  {
    does: 'preBind that never settles',
    plugin: { preBind: () => NEVER },
    says: LATE,
    afterMs: LATE_POINT_MS_MAX,
  },
  {
    does: 'bind that never settles',
    plugin: { bind: () => NEVER },
    says: LATE,
    afterMs: 60_000,
  },
  {
    does: 'permit that waits for nothing',
    plugin: { permit: () => verdict.wait(undefined as never, 10) },
    says: /^running plugin "Bad": permit makes the pod wait 10 ms for undefined$/,
  },
  {
    does: 'permit that waits for NaN ms',
    plugin: { permit: () => verdict.wait(NEVER, Number.NaN) },
    says: /^running plugin "Bad": permit makes the pod wait NaN ms for object$/,
  },
  {
    does: 'bind that gives no list',
    plugin: { bind: async () => 'done' as never },
    says: /^running plugin "Bad": bind gave no list of answers$/,
  },
  {
    does: 'bind that gives too few answers',
    plugin: { bind: async () => [] },
    says: /^running plugin "Bad": bind gave 0 answers, want 1$/,
  },
  {
    does: 'bind that gives an answer that is none',
    plugin: { bind: async () => [{ code: 'maybe' } as never] },
    says: /^running plugin "Bad": bind gave an answer that is none$/,
  },
];

for (const { does, plugin, says, afterMs = 0 } of BAD) {
  test(`a ${does} fails the attempt, and frees the place`, async () => {
    // Listed, so that it comes before the test's own binder.
    const listed = [{ name: 'OneEach' }, { name: 'Bad', optional: true }];
    const started = await setUp([ONE_EACH], 1, listed);
    const { kernel, clock, failures, nodeOf, context, dispose } = started;
    const bad = createSchedulerContribution({ name: 'Bad', ...plugin }, {});
    const unload = context.provide(schedulerPoint, bad, 'Bad');
    kernel.add(Pod, pod('a'));
    await clock.step(afterMs + 100);
    assert.match(failures()[0] ?? '', says);
    await unload();
    await clock.step(30_000);
    assert.equal(nodeOf('a'), 'n0');
    await dispose();
  });
}
