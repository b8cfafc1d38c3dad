import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from 'kernetes/sdk';
import { fakeClock, pod } from 'kernetes/sdk/testing';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  IN_FLIGHT_EVENTS_MAX,
  UNSCHEDULABLE_MS_MAX,
} from '../limits.ts';
import { type QueueOptions, SchedulingQueue } from './queue.ts';

function setUp(options: Partial<QueueOptions> = {}) {
  const clock = fakeClock();
  const queue = new SchedulingQueue({
    clock,
    sort: (a, b) => b.pod.priority - a.pod.priority,
    gate: () => undefined,
    listens: (plugin, event) => plugin === 'Fit' && event === 'PodDelete',
    fits: (plugin, { event }) => plugin === 'Fit' && event === 'PodDelete',
    onActive() {},
    ...options,
  });
  return { clock, queue };
}

function info(name: string, priority = 0, uid = `uid-${name}`) {
  return podInfoOf(pod(name, { metadata: { uid }, spec: { containers: [], priority } }));
}

test('pop() gives pods in the order of queueSort, equal ones as they came', () => {
  const { queue } = setUp();
  for (const one of [info('a'), info('b'), info('c', 5)]) queue.set(one);
  assert.deepEqual(
    [queue.pop(), queue.pop(), queue.pop()].map(one => one?.pod.name),
    ['c', 'a', 'b'],
  );
  assert.equal(queue.pop(), undefined);
});

test('retry() waits twice as long each time, up to a bound', async () => {
  const { clock, queue } = setUp();
  queue.set(info('a'));
  const waits: number[] = [];
  for (let attempt = 0; attempt < 6; attempt++) {
    assert.ok(queue.pop());
    queue.retry('default/a');
    const start = clock.now();
    await clock.until(() => queue.counts.active === 1);
    waits.push(clock.now() - start);
  }
  assert.deepEqual(
    waits,
    [1, 2, 4, 8, 10, 10].map(seconds => seconds * BACKOFF_MS_MIN),
  );
  assert.equal(Math.max(...waits), BACKOFF_MS_MAX);
});

test('park() holds a pod until an event that its refuser waits for', async () => {
  const { clock, queue } = setUp();
  queue.set(info('a'));
  queue.pop();
  queue.park('default/a', new Set(['Fit']));
  await clock.step(20_000);
  queue.wake('NodeTaint');
  assert.deepEqual([queue.counts.unschedulable, queue.counts.active], [1, 0]);
  queue.wake('PodDelete');
  assert.deepEqual([queue.counts.unschedulable, queue.counts.active], [0, 1]);
});

test('wake() soon after the refusal only ends the back-off', async () => {
  const { clock, queue } = setUp();
  queue.set(info('a'));
  queue.pop();
  queue.park('default/a', new Set(['Fit']));
  queue.wake('PodDelete');
  assert.equal(queue.counts.backoff, 1);
  await clock.step(BACKOFF_MS_MIN);
  assert.equal(queue.counts.active, 1);
});

test('park() does not lose an event of the time of the attempt', () => {
  const { queue } = setUp();
  queue.set(info('a'));
  queue.pop();
  queue.wake('PodDelete');
  queue.park('default/a', new Set(['Fit']));
  assert.equal(queue.counts.backoff, 1);
});

test('a parked pod that nothing wakes is tried again after a while', async () => {
  const { clock, queue } = setUp();
  queue.set(info('a'));
  queue.pop();
  queue.park('default/a', new Set(['Fit']));
  await clock.step(UNSCHEDULABLE_MS_MAX - 1);
  assert.equal(queue.counts.active, 0);
  await clock.step(60_000);
  assert.equal(queue.counts.active, 1);
});

test('a gated pod is asked again when it changes, and when the plugins do', () => {
  let open = false;
  const { queue } = setUp({ gate: () => (open ? undefined : 'Gates') });
  queue.set(info('a'));
  queue.set(info('b'));
  assert.equal(queue.counts.gated, 2);
  open = true;
  queue.set(info('a'));
  assert.deepEqual([queue.counts.gated, queue.counts.active], [1, 1]);
  queue.wakeAll();
  assert.deepEqual([queue.counts.gated, queue.counts.active], [0, 2]);
});

test('delete() takes a pod out wherever it is', async () => {
  const { clock, queue } = setUp();
  for (const name of ['a', 'b', 'c']) queue.set(info(name));
  queue.delete('default/a');
  queue.pop();
  queue.retry('default/b');
  queue.delete('default/b');
  queue.pop();
  queue.park('default/c', new Set(['Fit']));
  queue.delete('default/c');
  queue.wake('PodDelete');
  queue.wakeRefused('Fit');
  queue.wakeAll();
  await clock.step(UNSCHEDULABLE_MS_MAX * 2);
  assert.equal(queue.pop(), undefined);
  assert.ok(Object.values(queue.counts).every(count => count === 0));
});

test('delete() takes a gated pod out', () => {
  const { queue } = setUp({ gate: () => 'Gates' });
  queue.set(info('a'));
  queue.delete('default/a');
  queue.wakeRefused('Gates');
  queue.wakeAll();
  assert.ok(Object.values(queue.counts).every(count => count === 0));
});

test('set() takes another pod of the same name as new', () => {
  const { queue } = setUp();
  queue.set(info('a'));
  queue.pop();
  queue.set(info('a', 0, 'uid-2'));
  queue.retry('default/a');
  assert.equal(queue.pop()?.pod.uid, 'uid-2');
  assert.equal(queue.pop(), undefined);
});

const MEANWHILE: readonly {
  readonly happens: string;
  readonly run: (queue: SchedulingQueue) => void;
  readonly again: boolean;
}[] = [
  { happens: 'nothing', run: () => {}, again: false },
  { happens: 'a word about it', run: queue => queue.wakeOne('default/a'), again: true },
  { happens: 'a change of the plugins', run: queue => queue.wakeAll(), again: true },
  { happens: 'a word of who refuses it', run: queue => queue.wakeRefused('Fit'), again: true },
  { happens: 'a word of another plugin', run: queue => queue.wakeRefused('Other'), again: false },
  {
    happens: 'a word about other pods',
    run: queue => queue.wakeRefused('Fit', ({ name }) => name === 'b'),
    again: false,
  },
  {
    happens: 'another label',
    run: queue => queue.set(changed({ labels: { a: 'b' } })),
    again: true,
  },
  {
    happens: 'another annotation',
    run: queue => queue.set(changed({ annotations: { a: 'b' } })),
    again: true,
  },
  { happens: 'an update without news', run: queue => queue.set(changed({})), again: false },
  {
    happens: 'an event of its own',
    run: queue => queue.wake('PodDelete', undefined, info('a')),
    again: false,
  },
  {
    happens: 'more than is kept',
    run(queue) {
      queue.wake('PodDelete');
      for (let i = 0; i < IN_FLIGHT_EVENTS_MAX; i++) queue.wake('NodeTaint');
    },
    again: true,
  },
];

function changed(metadata: object) {
  return podInfoOf(
    pod('a', { metadata: { uid: 'uid-a', ...metadata }, spec: { containers: [], priority: 0 } }),
  );
}

for (const { happens, run, again } of MEANWHILE) {
  for (const when of ['while it is tried', 'after it was refused']) {
    test(`${happens} ${when} ${again ? 'lets' : 'does not let'} a pod try again`, () => {
      const { queue } = setUp();
      queue.set(info('a'));
      queue.pop();
      if (when === 'while it is tried') run(queue);
      queue.park('default/a', new Set(['Fit']));
      if (when !== 'while it is tried') run(queue);
      const { unschedulable, backoff } = queue.counts;
      assert.deepEqual([unschedulable, backoff], again ? [0, 1] : [1, 0]);
    });
  }
}

test('what happened before a pod is tried is not told to it, whatever others missed', () => {
  const { queue } = setUp();
  for (const name of ['a', 'b', 'c']) queue.set(info(name));
  queue.pop();
  queue.wake('PodDelete');
  queue.pop();
  queue.park('default/a', new Set(['Fit']));
  queue.wake('NodeTaint');
  queue.park('default/b', new Set(['Fit']));
  assert.deepEqual([queue.counts.backoff, queue.counts.unschedulable], [1, 1]);
  queue.pop();
  queue.wake('PodDelete');
  queue.park('default/c', new Set(['Fit']));
  assert.equal(queue.get('default/c')?.place, 'backoff');
});

test('again() is no attempt', () => {
  const { queue } = setUp();
  queue.set(info('a'));
  queue.pop();
  queue.again('default/a');
  assert.equal(queue.pop()?.attempts, 1);
});

test('close() leaves no timer, whatever is told after it', () => {
  const { clock, queue } = setUp();
  for (const name of ['a', 'b', 'c']) queue.set(info(name));
  for (const _ of 'abc') queue.pop();
  queue.park('default/a', new Set(['Fit']));
  queue.retry('default/b');
  queue.close();
  queue.retry('default/c');
  queue.wake('PodDelete');
  assert.equal(clock.pending, 0);
});
