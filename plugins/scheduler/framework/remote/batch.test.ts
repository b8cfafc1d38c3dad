import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Contribution,
  type SchedulerContribution,
  type SchedulerPlugin,
  verdict,
} from 'kernetes/sdk';
import { fakeClock, node, pod } from 'kernetes/sdk/testing';
import { bareScheduler, local, type RecordedEvent, remote } from '../test-setup.ts';

const BY_RACK: SchedulerPlugin<{ label: string }> = {
  name: 'ByRack',
  score: ({ pod: { labels }, node: { labels: at }, config }) =>
    at[config.label] === labels[config.label] ? 100 : 0,
};
const RACK = { label: 'rack' };

const LIMIT: SchedulerPlugin = {
  name: 'Limit',
  cacheable: true,
  filter: ({ node: { pods } }) =>
    pods.length >= 10 ? verdict.unschedulable('Too many pods') : undefined,
};

function setUp(contributions: Contribution<SchedulerContribution>[], nodeCount = 12) {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const events: RecordedEvent[] = [];
  const nodes = Array.from({ length: nodeCount }, (_, i) => nodeIn(i));
  const scheduler = bareScheduler(contributions, { clock, nodes, placed, events });
  const addPods = (count: number, from = 0) => {
    for (let i = from; i < from + count; i++) {
      scheduler.setPod(pod(`p${i}`, { metadata: { uid: `u${i}`, labels: { rack: `r${i % 3}` } } }));
    }
  };
  return { clock, placed, events, scheduler, addPods };
}

function nodeIn(i: number) {
  return node(`n${i}`, { metadata: { labels: { rack: `r${i % 3}` } } });
}

test('a remote score decides as a local one does, with one message for many pods', async () => {
  const there = remote(BY_RACK, RACK);
  const { clock, placed, addPods } = setUp([local(LIMIT), there]);
  addPods(30);
  await clock.step(10);
  assert.equal(placed.size, 30);
  for (const [name, at] of placed) {
    assert.equal(Number(name.slice(1)) % 3, Number(at.slice(1)) % 3, `${name} on ${at}`);
  }
  assert.equal(there.messages.length, 1);
});

test('local filters hold within a batch: nodes do not overflow', async () => {
  const { clock, placed, addPods, events } = setUp([local(LIMIT), remote(BY_RACK, RACK)], 3);
  addPods(40);
  await clock.step(10);
  const counts = ['n0', 'n1', 'n2'].map(
    name => [...placed.values()].filter(at => at === name).length,
  );
  assert.deepEqual(counts, [10, 10, 10]);
  const failed = events.filter(({ reason }) => reason === 'FailedScheduling');
  assert.equal(failed.length, 10);
  assert.equal(failed[0]?.message, '0/3 nodes are available: 3 Too many pods.');
});

test('a message carries only what changed since the last', async () => {
  const there = remote(BY_RACK, RACK);
  const { clock, addPods, scheduler, placed } = setUp([local(LIMIT), there], 12);
  addPods(1);
  await clock.step(10);
  assert.equal(there.messages[0]?.changes.nodes.length, 12);
  addPods(1, 1);
  await clock.step(10);
  const { changes } = there.messages[1] ?? assert.fail();
  assert.deepEqual(
    [changes.reset, changes.nodes.length, changes.usage.indices.length],
    [false, 0, 1],
  );

  scheduler.removeNode('n0');
  scheduler.setNode(node('new', { metadata: { labels: { rack: 'r7' } } }));
  scheduler.setPod(pod('p7', { metadata: { uid: 'u7', labels: { rack: 'r7' } } }));
  await clock.step(10);
  assert.deepEqual(
    there.messages[2]?.changes.nodes.map(({ name }) => name),
    ['new'],
  );
  assert.equal(placed.get('p7'), 'new');
});

test('a remote filter sees requests and, if it asks for them, pods', async () => {
  const alone: SchedulerPlugin = {
    name: 'Alone',
    readsPods: true,
    filter: ({ node: { pods, requested } }) => {
      assert.equal(pods.length, requested.pods);
      return pods.length > 0 ? verdict.unschedulable('node(s) had company') : undefined;
    },
  };
  const { clock, placed, addPods, events } = setUp([remote(alone)], 2);
  addPods(1);
  await clock.step(10);
  addPods(1, 1);
  await clock.step(10);
  assert.equal(new Set(placed.values()).size, 2);
  addPods(1, 2);
  await clock.step(10);
  assert.equal(events.at(-1)?.message, '0/2 nodes are available: 2 node(s) had company.');
});

test('pods of a node are refused to a remote plugin that did not ask for them', async () => {
  const nosy: SchedulerPlugin = { name: 'Nosy', score: ({ node: { pods } }) => pods.length };
  const { clock, addPods, events } = setUp([remote(nosy)]);
  addPods(1);
  await clock.step(10);
  assert.match(events[0]?.message ?? '', /declare "readsPods: true"/);
});

/** Answers when told to. */
function stalling(plugin: SchedulerPlugin) {
  const there = remote(plugin);
  let release: () => void = () => {};
  let stalls = true;
  const evaluate = there.value.evaluate;
  const value: SchedulerContribution = {
    ...there.value,
    async evaluate(batch) {
      if (stalls) await new Promise<void>(resolve => (release = resolve));
      return evaluate(batch);
    },
  };
  const resume = () => {
    stalls = false;
    release();
  };
  return { contribution: { ...there, value }, resume };
}

for (const onFailure of ['ignore', 'fail'] as const) {
  const plugin: SchedulerPlugin = { name: 'Slow', onFailure, deadlineMs: 300, score: () => 1 };
  const flows = onFailure === 'ignore';

  test(`a late plugin with "${onFailure}": pods ${flows ? 'go on' : 'wait for it'}`, async () => {
    const { contribution, resume } = stalling(plugin);
    const { clock, placed, events, addPods } = setUp([contribution]);
    addPods(1);
    await clock.step(299);
    assert.equal(placed.size, 0);
    await clock.step(1);
    addPods(5, 1);
    await clock.step(50);
    assert.equal(placed.size, flows ? 6 : 0, 'nobody waits for it a second time');
    assert.match(
      events[0]?.message ?? '',
      /running plugin "Slow": Plugin did not answer: waited 300/,
    );
    assert.equal(events[0]?.type, 'Warning');
    resume();
    await clock.step(15_000);
    assert.equal(placed.size, 6);
  });

  test(`a plugin that throws on some pods with "${onFailure}" fails only those`, async () => {
    const touchy: SchedulerPlugin = {
      name: 'Touchy',
      onFailure,
      score({ pod: { labels } }) {
        if (labels.rack === 'r1') throw new Error('not r1');
        return 50;
      },
    };
    const { clock, placed, events, addPods } = setUp([remote(touchy)]);
    addPods(6);
    await clock.step(10);
    assert.equal(placed.size, flows ? 6 : 4);
    const said = events.filter(({ message }) => message === 'running plugin "Touchy": not r1');
    assert.deepEqual(
      said.map(({ pod: name }) => name),
      flows ? ['p1'] : ['p1', 'p4'],
    );
  });

  test(`a plugin whose worker is gone, with "${onFailure}"`, async () => {
    const there = remote({ ...plugin, name: 'Gone' });
    const gone = async () => {
      throw new Error('worker ended');
    };
    const value = { ...there.value, evaluate: gone };
    const { clock, placed, events, addPods, scheduler } = setUp([{ ...there, value }]);
    addPods(3);
    await clock.step(10);
    assert.equal(placed.size, flows ? 3 : 0);
    assert.match(events[0]?.message ?? '', /running plugin "Gone": worker ended/);
    scheduler.setPlugins([
      there,
      local({
        name: 'Binder',
        bind: async all => {
          for (const {
            pod: { name },
            nodeName,
          } of all)
            placed.set(name, nodeName);
          return all.map(() => undefined);
        },
      }),
    ]);
    await clock.step(15_000);
    assert.equal(placed.size, 3, 'it is back');
  });
}

test('a node that vanishes while a plugin thinks gets no pod', async () => {
  const { contribution, resume } = stalling({ name: 'Slow', score: () => 1 });
  const { clock, placed, addPods, scheduler } = setUp([contribution], 2);
  addPods(1);
  await clock.step(10);
  scheduler.removeNode('n0');
  scheduler.removeNode('n1');
  scheduler.setNode(node('other'));
  resume();
  await clock.step(10);
  assert.equal(placed.get('p0'), 'other');
});

test('a pod deleted while a plugin thinks is not bound', async () => {
  const { contribution, resume } = stalling({ name: 'Slow', score: () => 1 });
  const { clock, placed, addPods, scheduler } = setUp([contribution]);
  addPods(2);
  await clock.step(10);
  scheduler.removePod(pod('p0'));
  resume();
  await clock.step(10);
  assert.deepEqual([...placed.keys()], ['p1']);
});

test('reserve, permit, preBind and postBind work from another thread', async () => {
  const calls: string[] = [];
  const note = (point: string) => () => {
    calls.push(point);
    return undefined;
  };
  const late: SchedulerPlugin = {
    name: 'Late',
    reserve: note('reserve'),
    permit: note('permit'),
    preBind: note('preBind'),
    postBind: note('postBind'),
  };
  const { clock, placed, addPods } = setUp([remote(late)]);
  addPods(1);
  await clock.step(10);
  assert.equal(placed.size, 1);
  assert.deepEqual(calls, ['reserve', 'permit', 'preBind', 'postBind']);
});
