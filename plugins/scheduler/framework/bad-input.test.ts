import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSchedulerContribution,
  Event,
  Node,
  Pod,
  type SchedulerPlugin,
  schedulerPoint,
  verdict,
} from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';
import { startScheduler } from './test-setup.ts';

function broken(): never {
  throw new Error('broken');
}

interface Case {
  readonly name: string;
  readonly plugin: Partial<SchedulerPlugin>;
  readonly says: RegExp;
}

const THROWS = /^running plugin "Bad": broken$/;
const SCORE = /^running plugin "Bad": Score of plugin "Bad" is .*, want 0 to 100/;

const CASES: readonly Case[] = [
  { name: 'preFilter() that throws', plugin: { preFilter: broken }, says: THROWS },
  { name: 'filter() that throws', plugin: { filter: broken }, says: THROWS },
  { name: 'preScore() that throws', plugin: { preScore: broken, score: () => 1 }, says: THROWS },
  { name: 'score() that throws', plugin: { score: broken }, says: THROWS },
  { name: 'normalize() that throws', plugin: { score: () => 1, normalize: broken }, says: THROWS },
  { name: 'reserve() that throws', plugin: { reserve: broken }, says: THROWS },
  { name: 'permit() that throws', plugin: { permit: broken }, says: THROWS },
  { name: 'permit() that rejects', plugin: { permit: async () => broken() }, says: THROWS },
  { name: 'preBind() that rejects', plugin: { preBind: async () => broken() }, says: THROWS },
  { name: 'bind() that throws', plugin: { bind: broken }, says: THROWS },
  { name: 'bind() that rejects', plugin: { bind: async () => broken() }, says: THROWS },
  { name: 'score() that gives NaN', plugin: { score: () => Number.NaN }, says: SCORE },
  { name: 'score() that gives 101', plugin: { score: () => 101 }, says: SCORE },
  { name: 'score() that gives -1', plugin: { score: () => -1 }, says: SCORE },
  { name: 'score() that gives a text', plugin: { score: () => 'high' as never }, says: SCORE },
  {
    name: 'normalize() that leaves too much',
    plugin: { score: () => 1, normalize: scores => void scores.fill(Number.POSITIVE_INFINITY) },
    says: SCORE,
  },
  {
    name: 'preFilter() that names no list',
    plugin: { preFilter: () => ({ code: 'only' }) as never },
    says: /^running plugin "Bad": preFilter gave an answer that is none/,
  },
  {
    name: 'preFilter() that gives nonsense',
    plugin: { preFilter: () => ({ code: 'maybe' }) as never },
    says: /^running plugin "Bad": preFilter gave an answer that is none/,
  },
  {
    name: 'preFilter() that names nodes that are not there',
    plugin: { preFilter: () => verdict.only(['gone']) },
    says: /^0\/2 nodes are available: 2 node\(s\) didn't satisfy plugin/,
  },
];

async function setUp(plugin: SchedulerPlugin) {
  // Listed, so that it comes before the test's own binder.
  const settings = [{ name: 'Bad', optional: true }];
  const started = await startScheduler({ plugins: [], settings });
  const contribution = createSchedulerContribution(plugin, {});
  const unload = started.context.provide(schedulerPoint, contribution, 'Bad');
  started.kernel.add(Node, node('n1'), node('n2'));
  const events = (reason: string) =>
    started.kernel.all(Event).filter(event => event.reason === reason);
  return { ...started, unload, events };
}

for (const { name, plugin, says } of CASES) {
  test(`${name} fails the attempt with a message, and blocks nothing`, async () => {
    const started = await setUp({ name: 'Bad', ...plugin });
    const { kernel, clock, nodeOf, unload, events, dispose } = started;
    kernel.add(Pod, pod('a'));
    await clock.step(100);
    assert.match(events('FailedScheduling')[0]?.message ?? '', says);
    assert.equal(nodeOf('a'), undefined);
    await unload();
    await clock.step(30_000);
    assert.notEqual(nodeOf('a'), undefined);
    await dispose();
  });
}

for (const { name, plugin, says } of CASES) {
  if (says !== THROWS || plugin.bind !== undefined) continue;
  test(`${name} and says "ignore" is as if it were not there`, async () => {
    const { kernel, clock, nodeOf, events, dispose } = await setUp({
      ...{ name: 'Bad', onFailure: 'ignore', ...plugin },
    });
    kernel.add(Pod, pod('a'));
    await clock.step(100);
    assert.notEqual(nodeOf('a'), undefined);
    assert.match(events('SchedulerPluginFailed')[0]?.message ?? '', says);
    await dispose();
  });
}

for (const [name, plugin] of [
  ['unreserve', { unreserve: broken, reserve: () => undefined }],
  ['postBind', { postBind: async () => broken() }],
] as const) {
  test(`${name}() that throws is told, and changes nothing`, async () => {
    const fails = name === 'unreserve' && { permit: () => verdict.unschedulable('no') };
    const bad: SchedulerPlugin = { name: 'Bad', requeueOn: [], ...plugin, ...fails };
    const { kernel, clock, nodeOf, events, dispose } = await setUp(bad);
    kernel.add(Pod, pod('a'));
    await clock.step(100);
    assert.equal(nodeOf('a') === undefined, name === 'unreserve');
    assert.match(events('SchedulerPluginFailed')[0]?.message ?? '', THROWS);
    await dispose();
  });
}

test('a node that goes between the choice and the binding gets no pod', async () => {
  let settle = () => {};
  const slow: SchedulerPlugin = {
    name: 'Bad',
    preBind: () => new Promise(resolve => (settle = () => resolve(undefined))),
  };
  const { kernel, clock, nodeOf, dispose } = await setUp(slow);
  kernel.add(Pod, pod('a'));
  await clock.step(100);
  for (const name of ['n1', 'n2']) await kernel.objects.delete(Node, { name });
  await clock.step(100);
  settle();
  await clock.step(100);
  assert.equal(nodeOf('a'), undefined);
  kernel.add(Node, node('n3'));
  await clock.step(20_000);
  settle();
  await clock.step(100);
  assert.equal(nodeOf('a'), 'n3');
  await dispose();
});
