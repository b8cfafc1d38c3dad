import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Contribution,
  type SchedulerContribution,
  type SchedulerPlugin,
  type Verdict,
  verdict,
} from 'kernetes/sdk';
import { fakeClock, node, pod } from 'kernetes/sdk/testing';
import { bareScheduler, local, type RecordedEvent, remote } from '../test-setup.ts';

function setUp(contributions: Contribution<SchedulerContribution>[], nodeCount = 2) {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const events: RecordedEvent[] = [];
  const nodes = Array.from({ length: nodeCount }, (_, i) => node(`n${i}`));
  const scheduler = bareScheduler(contributions, { clock, nodes, placed, events });
  const addPod = (name: string, priority = 0, labels: Record<string, string> = {}) =>
    scheduler.setPod(
      pod(name, { metadata: { uid: name, labels }, spec: { containers: [], priority } }),
    );
  return { clock, placed, events, scheduler, addPod };
}

test('preEnqueue from another thread keeps pods out, and hears of many at once', async () => {
  let calls = 0;
  const gate: SchedulerPlugin = {
    name: 'Gate',
    preEnqueue: ({ pod: { labels } }) => {
      calls++;
      return labels.held ? verdict.unschedulable('held') : undefined;
    },
  };
  const { clock, placed, addPod, scheduler } = setUp([remote(gate)]);
  addPod('free');
  addPod('held', 0, { held: 'yes' });
  await clock.step(10);
  assert.deepEqual([...placed.keys()], ['free']);
  assert.equal(calls, 2);
  scheduler.setPod(pod('held', { metadata: { uid: 'held' } }));
  await clock.step(10);
  assert.deepEqual([...placed.keys()], ['free', 'held']);
});

for (const onFailure of ['ignore', 'fail'] as const) {
  test(`a preEnqueue that fails, with "${onFailure}": pods are never stuck`, async () => {
    let isBroken = true;
    const gate: SchedulerPlugin = {
      name: 'Gate',
      onFailure,
      preEnqueue: () => {
        if (isBroken) throw new Error('out of order');
        return undefined;
      },
    };
    const { clock, placed, addPod, events } = setUp([remote(gate)]);
    for (const name of ['a', 'b', 'c']) addPod(name);
    await clock.step(10);
    assert.equal(placed.size, onFailure === 'ignore' ? 3 : 0);
    const said = events.filter(({ reason }) => reason === 'SchedulerPluginFailed');
    assert.deepEqual(
      said.map(({ pod: name, message }) => [name, message]),
      [['a', 'running plugin "Gate": out of order']],
    );
    isBroken = false;
    await clock.step(5_000);
    assert.equal(placed.size, 3);
  });
}

test('queueSort from another thread: pods go in its order', async () => {
  const sort: SchedulerPlugin = {
    name: 'Sort',
    queueSort: (a, b) => b.pod.priority - a.pod.priority,
  };
  const order: string[] = [];
  const note: SchedulerPlugin = {
    name: 'Note',
    reserve: ({ pod: { name } }) => {
      order.push(name);
      return undefined;
    },
  };
  const { clock, addPod } = setUp([remote(sort), local(note)]);
  const priorities = Array.from({ length: 80 }, (_, i) => (i * 37) % 80);
  for (const priority of priorities) addPod(`p${priority}`, priority);
  await clock.step(10);
  assert.deepEqual(
    order,
    priorities.sort((a, b) => b - a).map(priority => `p${priority}`),
  );
});

test('postFilter from another thread sees who refused what, and names a node', async () => {
  let isFull = true;
  const full: SchedulerPlugin = {
    name: 'Full',
    filter: ({ node: { name } }) => (isFull ? verdict.unschedulable(`${name} is full`) : undefined),
  };
  const seen: unknown[] = [];
  const room: SchedulerPlugin = {
    name: 'Room',
    async postFilter({ pod: { name }, refusals, nodes }) {
      seen.push([name, [...refusals].map(([at, { reasons }]) => [at, ...reasons]), nodes.length]);
      isFull = false;
      return { nodeName: 'n1' };
    },
  };
  const { clock, placed, addPod } = setUp([local(full), remote(room)]);
  addPod('p');
  await clock.step(10);
  assert.deepEqual(seen, [
    [
      'p',
      [
        ['n0', 'n0 is full'],
        ['n1', 'n1 is full'],
      ],
      2,
    ],
  ]);
  await clock.step(300_000);
  assert.equal(placed.size, 1);
});

test('a postFilter elsewhere that wants a trial is told where that works', async () => {
  const full: SchedulerPlugin = { name: 'Full', filter: () => verdict.unschedulable('full') };
  const room: SchedulerPlugin = {
    name: 'Room',
    async postFilter({ trial, nodes }) {
      trial(nodes[0] ?? assert.fail());
      return undefined;
    },
  };
  const { clock, addPod, events } = setUp([local(full), remote(room)]);
  addPod('p');
  await clock.step(10);
  assert.match(events.at(-1)?.message ?? '', /works only in the scheduler's own thread/);
});

test('a permit from another thread holds a pod for as long as it says', async () => {
  const releases = new Map<string, (said: Verdict | undefined) => void>();
  const permit: SchedulerPlugin = {
    name: 'Permit',
    deadlineMs: 100,
    permit: ({ pod: { name } }) =>
      verdict.wait(new Promise(resolve => releases.set(name, resolve)), 60_000),
  };
  const { clock, placed, addPod, events } = setUp([remote(permit)]);
  for (const name of ['kept', 'sent', 'late']) addPod(name);
  await clock.step(10);
  assert.deepEqual([releases.size, placed.size], [3, 0]);
  await clock.step(30_000);
  releases.get('kept')?.(undefined);
  releases.get('sent')?.(verdict.unschedulable('not you'));
  await clock.step(10_000);
  assert.deepEqual([...placed.keys()], ['kept']);
  assert.ok(events.some(({ pod: name, message }) => name === 'sent' && /not you/.test(message)));
  await clock.step(30_000);
  assert.ok(events.some(({ pod: name, reason }) => name === 'late' && reason !== 'Scheduled'));
});

test('each options of a profile have an instance elsewhere, and a cluster to count', async () => {
  const told: string[] = [];
  const counting: SchedulerPlugin = {
    name: 'Counting',
    readsPods: true,
    track: () => ({
      nodeAdded: ({ name }) => void told.push(`+${name}`),
      podAdded: ({ name }, at) => void told.push(`${name}@${at.name}`),
      podRemoved: ({ name }, at) => void told.push(`-${name}@${at.name}`),
    }),
    score: ({ node: { pods } }) => pods.length,
  };
  const { clock, addPod, scheduler, placed } = setUp([remote(counting)]);
  addPod('a');
  await clock.step(10);
  addPod('b');
  await clock.step(10);
  const at = placed.get('a');
  assert.equal(placed.get('b'), at, 'where most pods are');
  scheduler.removePod(
    pod('a', { metadata: { uid: 'a' }, spec: { containers: [], nodeName: at ?? '' } }),
  );
  addPod('c');
  await clock.step(10);
  assert.deepEqual(told, ['+n0', '+n1', `a@${at}`, `-a@${at}`, `b@${at}`]);
});

test('a cacheable plugin is asked about a node again only when that changed', async () => {
  let calls = 0;
  const plugin: SchedulerPlugin = {
    name: 'Cacheable',
    cacheable: true,
    score: ({ node: { requested } }) => {
      calls++;
      return Math.max(0, 100 - requested.pods);
    },
  };
  const { clock, addPod, placed } = setUp([remote(plugin)], 50);
  for (let i = 0; i < 20; i++) addPod(`p${i}`);
  await clock.step(10);
  assert.equal(calls, 50);
  for (let i = 20; i < 40; i++) addPod(`p${i}`);
  await clock.step(10);
  assert.equal(placed.size, 40);
  assert.equal(calls, 50 + new Set([...placed.values()].slice(0, 20)).size);
});
