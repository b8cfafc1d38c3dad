import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduler } from './scheduler-factories.ts';
import { podInfoOf } from './scheduler-info.ts';
import { packPods } from './scheduler-pods.ts';
import { type EvaluateBatch, NO_NODE_CHANGES, type NodeChanges } from './scheduler-remote.ts';
import { normalizeToMax, verdict } from './scheduler-verdict.ts';
import { node, pod } from './testing/builders.ts';
import {
  nodeStates,
  schedulerContributionOf,
  testSchedulerPlugin,
} from './testing/scheduler-conformance.ts';

const byRack = scheduler.score({
  name: 'ByRack',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { label: { type: 'string', default: 'rack' } },
  },
  score: ({ pod, node, config }) =>
    node.labels[config.label] === pod.labels[config.label] ? 100 : 0,
});

const thermal = scheduler.plugin<{ max: number }, number>({
  name: 'Thermal',
  onFailure: 'ignore',
  requeueOn: ['NodeLabel'],
  preFilter(context) {
    if (context.pod.labels.heat === undefined) return verdict.skip;
    context.state = Number(context.pod.labels.heat);
    return undefined;
  },
  filter: ({ node, state = 0, config }) =>
    Number(node.labels.heat ?? 0) + state > config.max
      ? verdict.unschedulable('node(s) were too hot')
      : undefined,
});

const HOT = node('hot', { metadata: { labels: { heat: '90', rack: 'a' } } });
const WARM = pod('warm', { metadata: { labels: { heat: '20', rack: 'a' } } });

testSchedulerPlugin(byRack, { nodes: [HOT], pods: [WARM] });
testSchedulerPlugin(thermal, { config: { max: 100 }, nodes: [HOT], pods: [WARM] });

test('a factory names the points that its plugin implements', () => {
  assert.deepEqual(schedulerContributionOf(byRack).points, ['score']);
  const { points, onFailure, options } = schedulerContributionOf(thermal, { max: 100 });
  assert.deepEqual(points, ['preFilter', 'filter']);
  assert.equal(onFailure, 'ignore');
  assert.deepEqual(options, { max: 100 });
});

function batch(changes: Partial<NodeChanges>, nodes: number[]): EvaluateBatch {
  return {
    changes: { ...NO_NODE_CHANGES, ...changes },
    pods: packPods([podInfoOf(WARM)]),
    nodes: Int32Array.from(nodes),
    offsets: Int32Array.of(0, nodes.length),
    filter: true,
    score: true,
  };
}

test('evaluate() keeps nodes between messages and forgets the removed', async () => {
  const contribution = schedulerContributionOf(thermal, { max: 100 });
  const [hot, plain] = nodeStates([HOT, node('plain')]);
  assert.ok(hot && plain);
  const first = await contribution.evaluate(batch({ nodes: [hot, plain] }, [0, 1]));
  assert.deepEqual([...first.verdicts], [1, 0]);
  assert.deepEqual(first.refusals, [verdict.unschedulable('node(s) were too hot')]);

  const second = await contribution.evaluate(batch({ removed: [0] }, [1]));
  assert.deepEqual([[...second.verdicts], second.errors], [[], []]);
  const third = await contribution.evaluate(batch({}, [0]));
  assert.match(third.errors[0]?.message ?? '', /Node 0 was asked about before it was made known/);
});

test('normalizeToMax() gives shares of the largest, in whole numbers', () => {
  const scores = Float64Array.of(0, 1, 2, 3);
  normalizeToMax(scores);
  assert.deepEqual([...scores], [0, 33, 66, 100]);
  const reversed = Float64Array.of(0, 1, 2, 3);
  normalizeToMax(reversed, true);
  assert.deepEqual([...reversed], [100, 67, 34, 0]);
  const zeros = Float64Array.of(0, 0);
  normalizeToMax(zeros, true);
  assert.deepEqual([...zeros], [100, 100]);
});

test('the type of config is read off its schema', () => {
  const plugin = scheduler.score({
    name: 'Typed',
    config: {
      type: 'object',
      required: ['names'],
      properties: {
        weight: { type: 'integer', default: 2 },
        names: { type: 'array', items: { type: 'string' } },
        mode: { enum: ['fast', 'slow'] },
      },
    },
    score({ config }) {
      const weight: number = config.weight;
      const names: readonly string[] = config.names;
      const mode: 'fast' | 'slow' | undefined = config.mode;
      // @ts-expect-error: the schema has no such property.
      const absent = config.wieght;
      return weight * names.length + (mode === 'fast' ? 1 : 0) + Number(absent ?? 0);
    },
  });
  const { local, options } = schedulerContributionOf(plugin, { weight: 2, names: ['a', 'b'] });
  const [state] = nodeStates([HOT]);
  assert.ok(state);
  const context = { pod: podInfoOf(WARM), nodes: [state], state: undefined };
  assert.equal(local?.score?.({ ...context, node: state, config: options }), 4);
});
