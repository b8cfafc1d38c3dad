import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalizeToMax, type SchedulerPlugin, verdict } from 'kernetes/sdk';
import { fakeClock, node, pod } from 'kernetes/sdk/testing';
import { bareScheduler, local, type RecordedEvent } from '../test-setup.ts';
import { feasibleNodesToFind } from './cycle.ts';

const TABLE: [nodes: number, percentage: number, wanted: number][] = [
  [10, 0, 10],
  [99, 5, 99],
  [100, 0, 100],
  [1000, 0, 420],
  [5000, 0, 500],
  [6000, 0, 300],
  [15000, 0, 750],
  [1000, 30, 300],
  [1000, 100, 1000],
  [1000, 5, 100],
];

for (const [nodes, percentage, wanted] of TABLE) {
  test(`feasibleNodesToFind() of ${nodes} nodes at ${percentage} % is ${wanted}`, () => {
    assert.equal(feasibleNodesToFind(nodes, percentage), wanted);
  });
}

const FULL = verdict.unschedulable('Too many pods');

/** Room for so many pods of any sort; the least used node is best; names can be asked for. */
function roomFor(max: number, cacheable: boolean): SchedulerPlugin<unknown, string> {
  return {
    name: 'Room',
    cacheable,
    preFilter(context) {
      const { only } = context.pod.labels;
      context.state = context.pod.labels.app ?? '';
      return only === undefined ? undefined : verdict.only([only]);
    },
    filter: ({ node: { pods, labels }, state }) =>
      pods.length >= max || labels.app === state ? FULL : undefined,
    score: ({ node: { pods } }) => pods.length,
    normalize: scores => normalizeToMax(scores, true),
  };
}

function nodesOf(count: number) {
  return Array.from({ length: count }, (_, i) => {
    return node(`n${i}`, { metadata: { labels: { app: `app-${i % 5}` } } });
  });
}

test('placements are the same with and without kept results', async () => {
  const sizes = fc.record({
    nodes: fc.integer({ min: 1, max: 130 }),
    apps: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 60 }),
    max: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
  });
  const run = async (
    { nodes, apps, max, seed }: typeof sizes extends fc.Arbitrary<infer T> ? T : never,
    cacheable: boolean,
  ) => {
    const clock = fakeClock();
    const placed = new Map<string, string>();
    const scheduler = bareScheduler([local(roomFor(max, cacheable))], {
      clock,
      nodes: nodesOf(nodes),
      placed,
      seed,
    });
    for (const [i, app] of apps.entries()) {
      const labels = app === 6 ? { only: `n${i}` } : { app: `app-${app}` };
      scheduler.setPod(pod(`p${i}`, { metadata: { uid: `u${i}`, labels } }));
      if (i % 7 === 0) await clock.step(1);
      if (i % 11 === 10) scheduler.removePod(pod(`p${i - 10}`));
    }
    await clock.step(100);
    scheduler.stop();
    return [...placed].sort();
  };
  await fc.assert(
    fc.asyncProperty(sizes, async size => {
      assert.deepEqual(await run(size, true), await run(size, false));
    }),
    { numRuns: 60 },
  );
});

async function place(plugins: SchedulerPlugin[], count: number, nodes: number) {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const events: RecordedEvent[] = [];
  const scheduler = bareScheduler(
    plugins.map(plugin => local(plugin)),
    { clock, nodes: nodesOf(nodes), placed, events },
  );
  for (let i = 0; i < count; i++) scheduler.setPod(pod(`p${i}`, { metadata: { uid: `u${i}` } }));
  await clock.step(100);
  scheduler.stop();
  return { placed, events, scheduler };
}

test('equal nodes are chosen at random, each about as often', async () => {
  const { placed } = await place([{ name: 'Even', score: () => 7 }], 600, 3);
  for (const name of ['n0', 'n1', 'n2']) {
    const count = [...placed.values()].filter(at => at === name).length;
    assert.ok(count > 150 && count < 250, `${name} was chosen ${count} times of 600`);
  }
});

test('the search starts where the one before ended', async () => {
  const asked: string[] = [];
  const watch: SchedulerPlugin = {
    name: 'Watch',
    filter({ node: { name } }) {
      asked.push(name);
      return undefined;
    },
    score: () => 0,
  };
  const { placed } = await place([watch], 2, 1000);
  assert.equal(placed.size, 2);
  assert.equal(asked.length, 2 * feasibleNodesToFind(1000));
  assert.equal(new Set(asked).size, asked.length);
});

test('without scores the first feasible node is taken', async () => {
  const { placed, scheduler } = await place([{ name: 'Agrees', filter: () => undefined }], 3, 1000);
  assert.deepEqual([...placed.values()].sort(), ['n0', 'n1', 'n2']);
  assert.equal(scheduler.cache.searchStart, 3);
});

test('the first in the order of the profile has the word, kept or not', async () => {
  const says = (name: string, cacheable: boolean): SchedulerPlugin => {
    const refusal = verdict.unschedulable(`${name} said no`);
    return { name, cacheable, filter: () => refusal };
  };
  for (const plugins of [
    [says('First', false), says('Second', true)],
    [says('First', true), says('Second', false)],
  ]) {
    const { events } = await place(plugins, 1, 3);
    assert.deepEqual(
      events.map(({ message }) => message),
      ['0/3 nodes are available: 3 First said no.'],
    );
  }
});

test('preFilter() that names nodes: the others are not asked, and the message says whose they are', async () => {
  const only = (...names: string[]): SchedulerPlugin => ({
    name: `Only${names.join('')}`,
    preFilter: () => verdict.only(names),
    filter: () => FULL,
  });
  const table: [plugins: SchedulerPlugin[], message: string][] = [
    [
      [only('n1', 'gone')],
      "0/3 nodes are available: 1 Too many pods, 2 node(s) didn't satisfy plugin(s) [Onlyn1gone].",
    ],
    [
      [only('n1'), only('n2')],
      "0/3 nodes are available: node(s) didn't satisfy plugin(s) [Onlyn1 Onlyn2] simultaneously.",
    ],
    [[only()], "0/3 nodes are available: node(s) didn't satisfy plugin Only."],
  ];
  for (const [plugins, message] of table) {
    const { events } = await place(plugins, 1, 3);
    assert.equal(events[0]?.message, message);
  }
});

test('scores count by weight, each normalized by itself', async () => {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const first: SchedulerPlugin = {
    name: 'First',
    score: ({ node: { name } }) => (name === 'n0' ? 60 : 0),
  };
  const second: SchedulerPlugin = {
    name: 'Second',
    score: ({ node: { name } }) => (name === 'n1' ? 100 : 0),
  };
  const scheduler = bareScheduler([local(first), local(second)], {
    clock,
    nodes: nodesOf(2),
    placed,
  });
  scheduler.setPod(pod('p'));
  await clock.step(1);
  assert.equal(placed.get('p'), 'n1');
});

test('preFilter() skip spares the filter', async () => {
  const filter = () => assert.fail('filter was called');
  const { placed } = await place([{ name: 'Skips', preFilter: () => verdict.skip, filter }], 1, 3);
  assert.equal(placed.size, 1);
});

test('preFilter() may refuse for all nodes', async () => {
  const preFilter = () => verdict.unresolvable('persistentvolumeclaim "x" not found');
  const { events } = await place([{ name: 'Claims', preFilter }], 1, 3);
  assert.deepEqual(
    events.map(({ message }) => message),
    ['0/3 nodes are available: persistentvolumeclaim "x" not found.'],
  );
});

const BAD: [name: string, plugin: SchedulerPlugin, message: RegExp][] = [
  [
    'throws in filter',
    {
      name: 'Bad',
      filter: () => {
        throw new Error('oops');
      },
    },
    /running plugin "Bad": oops/,
  ],
  [
    'throws in preScore',
    {
      name: 'Bad',
      preScore: () => {
        throw new Error('oops');
      },
      score: () => 1,
    },
    /running plugin "Bad": oops/,
  ],
  [
    'scores NaN',
    { name: 'Bad', score: () => Number.NaN },
    /Score of plugin "Bad" is NaN, want 0 to 100/,
  ],
  ['scores 101', { name: 'Bad', score: () => 101 }, /Score of plugin "Bad" is 101/],
];

for (const [name, plugin, message] of BAD) {
  for (const cacheable of [false, true]) {
    test(`a plugin that ${name} fails the attempt (cacheable: ${cacheable})`, async () => {
      const { placed, events, scheduler } = await place([{ ...plugin, cacheable }], 1, 3);
      assert.equal(placed.size, 0);
      assert.match(events[0]?.message ?? '', message);
      assert.equal(events[0]?.reason, 'FailedScheduling');
      assert.equal(scheduler.queue.counts.backoff, 1);
    });

    test(`a plugin that ${name} is left out if it may be (cacheable: ${cacheable})`, async () => {
      const ignored = { ...plugin, cacheable, onFailure: 'ignore' as const };
      const { placed, events } = await place([ignored], 1, 3);
      assert.equal(placed.size, 1);
      assert.deepEqual(
        events.map(({ reason }) => reason),
        ['SchedulerPluginFailed', 'Scheduled'],
      );
      assert.match(events[0]?.message ?? '', message);
    });
  }
}
