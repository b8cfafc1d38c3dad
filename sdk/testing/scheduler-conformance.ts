import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { Ajv } from 'ajv';
import type { Node, Pod } from '../api/types-core-v1.ts';
import type { PluginContext, PluginDefinition } from '../plugin.ts';
import type { NodeContext, QueuedPod, SchedulerPlugin } from '../scheduler.ts';
import type { SchedulerContribution } from '../scheduler-contribution.ts';
import { type NodeInfo, NodeState, type PodInfo, podInfoOf } from '../scheduler-info.ts';
import { packPods } from '../scheduler-pods.ts';
import {
  type EvaluateBatch,
  type EvaluateResult,
  nodeCopyOf,
  nodeUsageOf,
} from '../scheduler-remote.ts';
import { checkedScore, isRefusal, type Verdict } from '../scheduler-verdict.ts';
import { askedAtOnce } from './asked-at-once.ts';
import { node, pod } from './builders.ts';
import { testContext } from './test-context.ts';

export interface SchedulerConformanceOptions<C> {
  /** Defaults of the schema are filled in. */
  readonly config?: C;
  /** Beside the suite's own: pods and nodes that the plugin cares about. */
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[];
}

/**
 * The suite that every scheduler plugin passes, run with two lines:
 *
 *     import plugin from './plugin.ts';
 *     testSchedulerPlugin(plugin);
 */
export function testSchedulerPlugin<C>(
  definition: PluginDefinition<C>,
  options: SchedulerConformanceOptions<C> = {},
): void {
  describe(`scheduler plugin ${definition.name}`, () => {
    const contribution = schedulerContributionOf(definition, options.config);
    const plugin = contribution.local as SchedulerPlugin;
    const nodes = nodeStates([...NODES, ...(options.nodes ?? [])]);
    const pods = [...PODS, ...(options.pods ?? [])].map(podInfoOf);
    const run = new Run(plugin, contribution.options);
    const tracker = plugin.track?.();
    for (const state of nodes) tracker?.nodeAdded?.(state);

    test('contributes what can be sent to another thread', () => {
      assert.ok(contribution.points.length > 0, 'it implements no point');
      const data = deserialize(serialize({ ...contribution }));
      assert.deepEqual(data.points, contribution.points);
    });

    test('filter() gives nothing or a refusal with reasons', () => {
      for (const one of pods) for (const verdict of run.filter(one, nodes)) checkVerdict(verdict);
    });

    test('score() and normalize() give 0 to 100', () => {
      for (const one of pods)
        for (const score of run.score(one, nodes)) checkedScore(plugin.name, score);
    });

    test('says the same again, and changes nothing it is given', () => {
      const frozen = nodes.map(state => deepFreeze(copyOf(state)));
      for (const one of pods) {
        const first = run.both(deepFreeze(structuredClone(one)), frozen);
        assert.deepEqual(run.both(one, nodes), first);
      }
    });

    test('says the same about a pod of the same shape, if it is cacheable', () => {
      for (const one of contribution.cacheable ? pods : []) {
        const twin = { ...one, name: 'twin', key: `${one.namespace}/twin`, uid: 'other' };
        assert.deepEqual(run.both(twin, nodes), run.both(one, nodes));
      }
    });

    test('says the same about a node in other company, if it is cacheable', () => {
      for (const one of contribution.cacheable ? pods : []) {
        const together = run.filter(one, nodes);
        const alone = nodes.map(state => run.filter(one, [state])[0]);
        assert.deepEqual(alone, together);
      }
    });

    test('says the same about many nodes at once', () => {
      for (const one of plugin.filterNodes || plugin.scoreNodes ? pods : []) {
        const atOnce = new Run(askedAtOnce(plugin, nodes), contribution.options);
        assert.deepEqual(atOnce.both(one, nodes), run.both(one, nodes), one.name);
      }
    });

    test('says the same from another thread', () => {
      if (!plugin.filter && !plugin.score) return;
      const batch = batchOf(contribution, pods, nodes);
      const answer = contribution.evaluate(deserialize(serialize(batch))) as EvaluateResult;
      assert.deepEqual(answer.errors, []);
      pods.forEach((one, i) => {
        const local = run.both(one, nodes);
        assert.deepEqual(local, remoteAnswer(answer, i, nodes.length), one.name);
      });
    });

    test('queueSort() orders', () => {
      const queued = pods.map((one, i): QueuedPod => {
        return { pod: one, queuedAt: i % 2, sequence: i, attempts: 0 };
      });
      for (const a of queued) for (const b of queued) checkOrder(plugin, a, b);
    });

    test('unreserve() may come without reserve()', () => {
      const context = { pod: pods[0], node: nodes[0], nodes, config: contribution.options };
      plugin.unreserve?.({ ...context, state: undefined } as NodeContext);
    });
  });
}

/** What a plugin's entry module provides, with its config completed by its schema. */
export function schedulerContributionOf<C>(
  definition: PluginDefinition<C>,
  config?: C,
): SchedulerContribution {
  const completed = structuredClone(config ?? {}) as C;
  const validate = new Ajv({ useDefaults: true, strict: false }).compile(definition.config ?? {});
  assert.ok(validate(completed), `config: ${JSON.stringify(validate.errors)}`);
  const provided: unknown[] = [];
  const provide = (_point: unknown, value: unknown): void => void provided.push(value);
  const { context } = testContext<C>({ name: definition.name, config: completed });
  void definition.activate({ ...context, provide } as PluginContext<C>);
  assert.equal(provided.length, 1, 'want one contribution');
  return provided[0] as SchedulerContribution;
}

/** Nodes as the scheduler sees them, without pods. */
export function nodeStates(nodes: readonly Node[]): NodeState[] {
  return nodes.map((one, index) => {
    const state = new NodeState(one.metadata.name ?? '', index);
    state.setNode(one);
    state.generation = index + 1;
    return state;
  });
}

/** A plugin's points in the order of a cycle. */
class Run {
  readonly #plugin: SchedulerPlugin;
  readonly #config: unknown;

  constructor(plugin: SchedulerPlugin, config: unknown) {
    this.#plugin = plugin;
    this.#config = config;
  }

  filter(one: PodInfo, nodes: readonly NodeInfo[]): (Verdict | undefined)[] {
    return this.#filter(this.#context(one, nodes), nodes);
  }

  /** Of the nodes that pass; -1 for those that do not. */
  score(one: PodInfo, nodes: readonly NodeInfo[]): number[] {
    return this.both(one, nodes).scores.filter(score => score !== -1);
  }

  both(one: PodInfo, nodes: readonly NodeInfo[]): Outcome {
    const context = this.#context(one, nodes);
    const verdicts = this.#filter(context, nodes).map(verdict => verdict ?? null);
    const feasible = nodes.filter((_, i) => verdicts[i] === null);
    const scores = this.#score(context, feasible);
    let at = 0;
    return { verdicts, scores: verdicts.map(verdict => (verdict ? -1 : (scores[at++] as number))) };
  }

  #filter(context: Context, nodes: readonly NodeInfo[]): (Verdict | undefined)[] {
    const before = this.#plugin.preFilter?.(context);
    if (before?.code === 'skip') return nodes.map(() => undefined);
    if (isRefusal(before)) return nodes.map(() => before);
    return nodes.map(state => {
      context.node = state;
      if (before?.code === 'only' && !before.nodeNames.includes(state.name)) return ELSEWHERE;
      return this.#plugin.filter?.(context);
    });
  }

  #score(context: Context, feasible: readonly NodeInfo[]): Float64Array {
    const scores = new Float64Array(feasible.length);
    const plugin = this.#plugin;
    if (!plugin.score || feasible.length === 0) return scores;
    if (plugin.preScore?.(Object.assign(context, { feasible }))?.code === 'skip') return scores;
    feasible.forEach((state, i) => {
      context.node = state;
      scores[i] = plugin.score?.(context) as number;
    });
    plugin.normalize?.(scores, context);
    return scores;
  }

  #context(one: PodInfo, nodes: readonly NodeInfo[]): Context {
    return { pod: one, node: nodes[0] as NodeInfo, nodes, config: this.#config, state: undefined };
  }
}

type Context = { -readonly [K in keyof NodeContext]: NodeContext[K] };

interface Outcome {
  readonly verdicts: (Verdict | null)[];
  readonly scores: number[];
}

const ELSEWHERE: Verdict = {
  code: 'unresolvable',
  reasons: ["node(s) didn't satisfy plugin(s)' PreFilter result"],
};

function checkVerdict(verdict: Verdict | undefined): void {
  if (verdict === undefined || verdict.code === 'success') return;
  assert.ok(isRefusal(verdict), `filter gave "${verdict.code}"`);
  assert.ok(verdict.reasons.length > 0, 'a refusal without a reason');
  for (const reason of verdict.reasons) assert.ok(reason.trim(), 'an empty reason');
}

function checkOrder(plugin: SchedulerPlugin, a: QueuedPod, b: QueuedPod): void {
  const forth = Math.sign(plugin.queueSort?.(a, b) ?? 0);
  const back = Math.sign(plugin.queueSort?.(b, a) ?? 0);
  assert.equal(forth + back, 0, `${a.pod.name} and ${b.pod.name}`);
}

function batchOf(
  { points }: SchedulerContribution,
  pods: readonly PodInfo[],
  nodes: readonly NodeState[],
): EvaluateBatch {
  const indices = pods.flatMap(() => nodes.map(({ index }) => index));
  return {
    changes: {
      reset: true,
      removed: [],
      nodes: nodes.map(nodeCopyOf),
      usage: nodeUsageOf(
        nodes,
        nodes.map(({ pods: added }) => ({ added, removed: [] })),
      ),
    },
    pods: packPods(pods),
    nodes: Int32Array.from(indices),
    offsets: Int32Array.from({ length: pods.length + 1 }, (_, i) => i * nodes.length),
    filter: points.includes('filter'),
    score: points.includes('score'),
  };
}

function remoteAnswer(answer: EvaluateResult, i: number, width: number): Outcome {
  const verdicts: (Verdict | null)[] = [];
  const scores: number[] = [];
  for (let at = i * width; at < (i + 1) * width; at++) {
    const place = answer.verdicts[at] ?? 0;
    const refusal = place > 0 ? (answer.refusals[place - 1] as Verdict) : null;
    verdicts.push(refusal);
    scores.push(refusal ? -1 : (answer.scores[at] ?? 0));
  }
  return { verdicts, scores };
}

/** Plain, so that it can be frozen: a node's own functions need not be there. */
function copyOf(state: NodeState): NodeInfo {
  return { ...state };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

const SMALL = {
  name: 'main',
  image: 'nginx',
  resources: { requests: { cpu: '1', memory: '1Gi' } },
};

/** Everyday pods, and some that want what no node has. */
const PODS: readonly Pod[] = [
  pod('plain'),
  pod('small', { spec: { containers: [SMALL] }, metadata: { labels: { app: 'web' } } }),
  pod('huge', {
    spec: { containers: [{ ...SMALL, resources: { requests: { cpu: '999', memory: '9Ti' } } }] },
  }),
  pod('urgent', { spec: { containers: [SMALL], priority: 1000 } }),
  pod('selecting', { spec: { containers: [SMALL], nodeSelector: { zone: 'a' } } }),
  pod('tolerant', { spec: { containers: [SMALL], tolerations: [{ operator: 'Exists' }] } }),
];

const NODES: readonly Node[] = [
  node('plain'),
  node('labelled', { metadata: { labels: { zone: 'a' } } }),
  node('cordoned', { spec: { unschedulable: true } }),
  node('tainted', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
  node('disliked', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }),
];
