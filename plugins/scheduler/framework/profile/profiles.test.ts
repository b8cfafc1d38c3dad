import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSchedulerContribution,
  Event,
  Node,
  Pod,
  provideSchedulerPlugin,
  type SchedulerPlugin,
  type SchedulerPoint,
  schedulerPoint,
  verdict,
} from 'kernetes/sdk';
import { node, pod, schedulerContributionOf } from 'kernetes/sdk/testing';
import { PLUGIN_GRACE_MS } from '../limits.ts';
import framework from '../plugin.ts';
import { startScheduler } from '../test-setup.ts';
import { CONFIG_SCHEMA, profilesOf } from './config.ts';
import type { ProfileSettings } from './profile.ts';

const ANY: SchedulerPlugin = { name: 'Any', filter: () => undefined };
const BINDER = { name: 'TestBinder' };

/** Only nodes of this name. */
const NAMED: SchedulerPlugin<{ node: string; made: string }> = {
  name: 'Named',
  config: {
    type: 'object',
    additionalProperties: false,
    required: ['node'],
    properties: { node: { type: 'string' }, made: { type: 'string', default: 'by default' } },
  },
  filter: ({ node: { name }, config }) =>
    name === config.node ? undefined : verdict.unschedulable(`not named, ${config.made}`),
};

function podOf(name: string, schedulerName: string) {
  return pod(name, { spec: { containers: [], schedulerName } });
}

async function setUp(
  profiles: readonly ProfileSettings[],
  plugins: readonly SchedulerPlugin[] = [ANY, NAMED as SchedulerPlugin],
) {
  const started = await startScheduler({ plugins, profiles });
  started.kernel.add(Node, node('n1'), node('n2'));
  const said = () => started.kernel.all(Event).map(({ message }) => message ?? '');
  return { ...started, said };
}

function profile(schedulerName: string, ...plugins: ProfileSettings['plugins']): ProfileSettings {
  const none = { name: '*', disabled: true };
  return { schedulerName, plugins: [none, ...plugins, BINDER] };
}

test('pods choose their profile by schedulerName, and its events tell', async () => {
  const { kernel, clock, nodeOf, dispose } = await setUp([
    profile('one', { name: 'Named', args: { node: 'n1' } }),
    profile('two', { name: 'Named', args: { node: 'n2' } }),
  ]);
  for (let i = 0; i < 5; i++) kernel.add(Pod, podOf(`a${i}`, 'one'), podOf(`b${i}`, 'two'));
  kernel.add(Pod, pod('other'));
  await clock.step(1000);
  for (let i = 0; i < 5; i++) {
    assert.deepEqual([nodeOf(`a${i}`), nodeOf(`b${i}`)], ['n1', 'n2']);
  }
  assert.equal(nodeOf('other'), undefined);
  const components = new Map(
    kernel.all(Event).map(({ involvedObject, source }) => [involvedObject.name, source?.component]),
  );
  assert.deepEqual([components.get('a0'), components.get('b0')], ['one', 'two']);
  await dispose();
});

test('args are completed by the schema of the plugin', async () => {
  const { kernel, clock, said, dispose } = await setUp([
    profile('one', { name: 'Named', args: { node: 'none' } }),
  ]);
  kernel.add(Pod, podOf('a', 'one'));
  await clock.step(1000);
  assert.deepEqual(said(), ['0/2 nodes are available: 2 not named, by default.']);
  await dispose();
});

test('wrong args are a clear failure of the pods of that profile, and of no others', async () => {
  const { kernel, clock, nodeOf, said, dispose } = await setUp([
    profile('wrong', { name: 'Named', args: { node: 7 } }),
    profile('odd', { name: 'Named', args: { node: 'n1', nodes: [] } }),
    profile('right', { name: 'Named', args: { node: 'n1' } }),
  ]);
  kernel.add(Pod, podOf('a', 'wrong'), podOf('b', 'odd'), podOf('c', 'right'));
  await clock.step(1000);
  assert.equal(nodeOf('c'), 'n1');
  const args = 'plugin "Named": its args are wrong:';
  assert.deepEqual(
    said().filter(text => text.startsWith('profile')),
    [
      `profile "wrong" is wrong: ${args} /node must be string`,
      `profile "odd" is wrong: ${args} the whole must NOT have additional properties "nodes"`,
    ],
  );
  await dispose();
});

test('a profile whose plugin is missing does not hold the pods of another', async () => {
  const { kernel, clock, nodeOf, said, context, dispose } = await setUp([
    profile('whole', { name: 'Any' }),
    profile('lacking', { name: 'Late' }),
  ]);
  kernel.add(Pod, podOf('a', 'whole'), podOf('b', 'lacking'));
  await clock.step(1000);
  assert.equal(nodeOf('a'), 'n1');
  await clock.step(PLUGIN_GRACE_MS);
  assert.match(said().join('\n'), /profile are not there: "Late"/);
  provideSchedulerPlugin(context, { ...ANY, name: 'Late' });
  await clock.step(30_000);
  assert.notEqual(nodeOf('b'), undefined);
  await dispose();
});

test('a plugin that keeps something of its own is made once for each args', async () => {
  const made: unknown[] = [];
  const started = await startScheduler({
    plugins: [],
    profiles: [
      profile('own', { name: 'Keeper' }),
      profile('same', { name: 'Keeper', args: { limit: 1 } }),
      profile('other', { name: 'Keeper', args: { limit: 2 } }),
      profile('third', { name: 'Keeper', args: { limit: 2 } }),
    ],
  });
  const counts: string[] = [];
  const keeper = createSchedulerContribution(
    (config: { limit: number }): SchedulerPlugin<{ limit: number }> => {
      made.push(config.limit);
      let pods = 0;
      return {
        name: 'Keeper',
        config: { type: 'object', properties: { limit: { type: 'integer' } } },
        track: () => ({
          podAdded() {
            pods++;
            counts.push(`${config.limit}: ${pods}`);
          },
        }),
        preFilter: () =>
          pods < config.limit ? verdict.skip : verdict.unschedulable(`limit ${config.limit}`),
      };
    },
    { limit: 1 },
  );
  started.context.provide(schedulerPoint, keeper, 'Keeper');
  started.kernel.add(Node, node('n1'));
  started.kernel.add(Pod, podOf('a', 'own'));
  await started.clock.step(1000);
  started.kernel.add(Pod, podOf('b', 'same'), podOf('c', 'third'));
  await started.clock.step(1000);
  assert.deepEqual(made, [1, 2]);
  assert.deepEqual([started.nodeOf('b'), started.nodeOf('c')], [undefined, 'n1']);
  // Others that come do not make them anew.
  provideSchedulerPlugin(started.context, ANY);
  await started.clock.step(1000);
  assert.deepEqual(made, [1, 2]);
  assert.deepEqual(counts, ['1: 1', '2: 1', '1: 2', '2: 2']);
  await started.dispose();
});

test('profiles must agree on the order of the queue', async () => {
  const sorts = ['A', 'B'].map((name): SchedulerPlugin => ({ name, queueSort: () => 0 }));
  const { kernel, clock, said, dispose } = await setUp(
    [profile('one', { name: 'A' }), profile('two', { name: 'B' })],
    sorts,
  );
  kernel.add(Pod, podOf('a', 'one'));
  await clock.step(1000);
  assert.deepEqual(said(), [
    'profiles must sort the queue by the same plugin with the same args, found "A", "B"',
  ]);
  await dispose();
});

const POINTS: readonly { readonly points?: readonly SchedulerPoint[]; readonly calls: string }[] = [
  { calls: 'preFilter filter filter score score reserve' },
  { points: ['score'], calls: 'score score' },
  { points: ['preFilter', 'filter'], calls: 'preFilter filter filter' },
  { points: ['reserve'], calls: 'reserve' },
];

for (const { points, calls } of POINTS) {
  test(`a plugin is used at ${points?.join(' and ') ?? 'all its points'}`, async () => {
    const seen: string[] = [];
    class Everywhere implements SchedulerPlugin {
      readonly name = 'Everywhere';
      readonly #seen = seen;
      preFilter = () => this.#note('preFilter');
      #note(point: string): undefined {
        this.#seen.push(point);
      }
      filter() {
        return this.#note('filter');
      }
      score() {
        this.#note('score');
        return 1;
      }
      reserve() {
        return this.#note('reserve');
      }
    }
    const { kernel, clock, nodeOf, dispose } = await setUp(
      [profile('one', { name: 'Everywhere', ...(points && { points }) })],
      [new Everywhere()],
    );
    kernel.add(Pod, podOf('a', 'one'));
    await clock.step(1000);
    assert.notEqual(nodeOf('a'), undefined);
    assert.deepEqual(seen.join(' '), calls);
    await dispose();
  });
}

test('a plugin listed twice is a clear failure', async () => {
  const { kernel, clock, said, dispose } = await setUp([
    profile('one', { name: 'Any' }, { name: 'Any', weight: 2 }),
  ]);
  kernel.add(Pod, podOf('a', 'one'));
  await clock.step(1000);
  assert.deepEqual(said(), ['profile "one" is wrong: plugin "Any" is listed twice']);
  await dispose();
});

const REFUSED: readonly { readonly what: string; readonly config: object }[] = [
  { what: 'more than 100 percent', config: { percentageOfNodesToScore: 101 } },
  { what: 'a weight of 0', config: { plugins: [{ name: 'A', weight: 0 }] } },
  { what: 'a point that there is not', config: { plugins: [{ name: 'A', points: ['guess'] }] } },
  { what: 'a profile without a name', config: { profiles: [{}] } },
  {
    what: 'a profile with more than 100 percent',
    config: { profiles: [{ schedulerName: 'a', percentageOfNodesToScore: 101 }] },
  },
];

for (const { what, config } of REFUSED) {
  test(`the config refuses ${what}`, () => {
    const definition = { ...framework, config: CONFIG_SCHEMA, activate: () => assert.fail() };
    assert.throws(
      () => schedulerContributionOf(definition as never, config as never),
      /config: \[/,
    );
  });
}

test('two profiles of the same name are refused', () => {
  const config = { plugins: [BINDER], profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] };
  assert.throws(() => profilesOf(config as never), /Profile "a" is there twice/);
});
