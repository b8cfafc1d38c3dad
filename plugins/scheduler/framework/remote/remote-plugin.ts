import {
  type Clock,
  type EvaluateBatch,
  type EvaluateResult,
  NO_PODS,
  type NodeChanges,
  type NodeState,
  type PodInfo,
  packPods,
} from 'kernetes/sdk';
import { withDeadline } from '../binding/deadline.ts';
import { SHAPES_MAX } from '../limits.ts';
import { type EnabledPlugin, PluginFailure } from '../profile/profile.ts';
import { type Answer, DirectAnswer, KeptAnswer, KeptResults, refusalAt } from './answer.ts';
import { argsOf } from './args.ts';
import { assertResult } from './check.ts';
import { RemoteMirror } from './mirror.ts';

/**
 * The scheduler's end of the line to a plugin in another thread, for filter and score. One message
 * for a batch of pods; a cacheable plugin is asked about a node again only when that has changed,
 * for all pods of one shape. A plugin that is late is not asked again before it has answered: the
 * pods go on as its policy says, without waiting each time.
 */
export class RemotePlugin {
  readonly enabled: EnabledPlugin;
  readonly #clock: Clock;
  readonly #mirror: RemoteMirror;
  /** By shape, for as long as nothing else counts than shape and node. */
  readonly #kept: Map<string, KeptResults> | undefined;
  #late = false;

  constructor(enabled: EnabledPlugin, clock: Clock) {
    this.enabled = enabled;
    this.#clock = clock;
    this.#mirror = new RemoteMirror(enabled.contribution.readsPods);
    this.#kept = isKept(enabled) ? new Map() : undefined;
  }

  /** One message for all pods. Never rejects. */
  ask(asked: readonly Asked[], nodes: readonly NodeState[]): Promise<Answer | PluginFailure> {
    if (this.#late) {
      const error = new Error('still busy with an earlier request');
      return Promise.resolve(new PluginFailure(this.enabled.name, error));
    }
    return this.#kept ? this.#askNews(asked, nodes, this.#kept) : this.#askAll(asked, nodes);
  }

  async #askAll(asked: readonly Asked[], nodes: readonly NodeState[]) {
    const offsets = new Int32Array(asked.length + 1);
    for (let i = 0; i < asked.length; i++) {
      offsets[i + 1] = (offsets[i] as number) + (asked[i] as Asked).nodes.length;
    }
    const indices = new Int32Array(offsets[asked.length] as number);
    let at = 0;
    for (let i = 0; i < asked.length; i++) {
      const { nodes: own } = asked[i] as Asked;
      for (let k = 0; k < own.length; k++) indices[at++] = (own[k] as NodeState).index;
    }
    const pods = packPods(asked.map(({ pod }) => pod));
    const result = await this.#send({ pods, nodes: indices, offsets }, nodes);
    return result instanceof PluginFailure ? result : new DirectAnswer(result, offsets);
  }

  async #askNews(
    asked: readonly Asked[],
    nodes: readonly NodeState[],
    known: Map<string, KeptResults>,
  ) {
    let indexEnd = 0;
    for (const { index } of nodes) if (index >= indexEnd) indexEnd = index + 1;
    const kept = asked.map(({ pod }) => keptFor(known, pod.shape, indexEnd));
    const news: News = { pods: [], kept: [], indices: [], offsets: [0] };
    for (let i = 0; i < asked.length; i++) addNews(news, asked[i] as Asked, kept[i] as KeptResults);
    if (news.pods.length > 0) {
      const question = {
        pods: packPods(news.pods),
        nodes: Int32Array.from(news.indices),
        offsets: Int32Array.from(news.offsets),
      };
      const result = await this.#send(question, nodes);
      if (result instanceof PluginFailure) {
        // Those behind this one in the line count on what it would have brought.
        for (const results of known.values()) results.error = result.message;
        known.clear();
        return result;
      }
      takeNews(news, result, known);
    }
    return new KeptAnswer(asked, kept);
  }

  async #send(
    question: Pick<EvaluateBatch, 'pods' | 'nodes' | 'offsets'>,
    nodes: readonly NodeState[],
  ): Promise<EvaluateResult | PluginFailure> {
    const { name, contribution } = this.enabled;
    const answer = this.#sendInPortions(question, this.#mirror.changes(nodes));
    try {
      const result = await withDeadline(this.#clock, contribution.deadlineMs, answer);
      assertResult(result, question.nodes.length);
      return result;
    } catch (error) {
      this.#mirror.forget();
      this.#late = true;
      const settled = (): void => {
        this.#late = false;
      };
      answer.then(settled, settled);
      return new PluginFailure(name, error);
    }
  }

  /** Where very many nodes changed, some go ahead without pods. */
  #sendInPortions(
    question: Pick<EvaluateBatch, 'pods' | 'nodes' | 'offsets'>,
    portions: readonly NodeChanges[],
  ): Promise<EvaluateResult> {
    const { contribution, points } = this.enabled;
    const wants = {
      filter: points.has('filter') || points.has('preFilter'),
      score: points.has('score'),
      ...argsOf(this.enabled),
    };
    const sent = portions.map((changes, i) => {
      const isLast = i === portions.length - 1;
      const batch = { ...(isLast ? question : NOTHING), ...wants, changes };
      return callSafely(() => contribution.evaluate(batch));
    });
    return Promise.all(sent).then(results => results[results.length - 1] as EvaluateResult);
  }
}

/** A pod and the nodes that the local filters accept. */
export interface Asked {
  readonly pod: PodInfo;
  readonly nodes: readonly NodeState[];
}

/** What a question is about, as it is put together: the pairs that nothing is known of. */
interface News {
  readonly pods: PodInfo[];
  readonly kept: KeptResults[];
  readonly indices: number[];
  readonly offsets: number[];
}

/** Its later points want the state of each pod; its normalize wants all feasible nodes at once. */
function isKept({ contribution }: EnabledPlugin): boolean {
  const { points, normalizes, cacheable } = contribution;
  const isLate = LATE_POINTS.some(point => points.includes(point));
  return cacheable && !isLate && normalizes === false;
}

const LATE_POINTS = ['reserve', 'permit', 'preBind', 'postBind'] as const;

function keptFor(known: Map<string, KeptResults>, shape: string, indexEnd: number): KeptResults {
  let results = known.get(shape);
  if (results) {
    known.delete(shape);
  } else {
    results = new KeptResults(indexEnd);
    for (const oldest of known.keys()) {
      if (known.size < SHAPES_MAX) break;
      known.delete(oldest);
    }
  }
  known.set(shape, results);
  results.grow(indexEnd);
  return results;
}

function addNews(news: News, { pod, nodes }: Asked, kept: KeptResults): void {
  const { indices, offsets } = news;
  const { askedAt } = kept;
  const before = indices.length;
  for (let k = 0; k < nodes.length; k++) {
    const { index, generation } = nodes[k] as NodeState;
    if (askedAt[index] === generation) continue;
    askedAt[index] = generation;
    indices.push(index);
  }
  if (indices.length === before) return;
  news.pods.push(pod);
  news.kept.push(kept);
  offsets.push(indices.length);
}

function takeNews(news: News, result: EvaluateResult, known: Map<string, KeptResults>): void {
  for (let i = 0; i < news.pods.length; i++) {
    const kept = news.kept[i] as KeptResults;
    const to = news.offsets[i + 1] as number;
    for (let at = news.offsets[i] as number; at < to; at++) {
      kept.take(news.indices[at] as number, refusalAt(result, at), result.scores[at] ?? 0);
    }
  }
  for (const { pod, message } of result.errors) {
    const kept = news.kept[pod];
    const { shape } = news.pods[pod] ?? {};
    if (kept) kept.error = message;
    if (shape !== undefined && known.get(shape) === kept) known.delete(shape);
  }
}

/** A call whose throw is a rejection, and which is told of rejections that nobody waits for. */
function callSafely<T>(call: () => T | Promise<T>): Promise<T> {
  return new Promise(resolve => resolve(call()));
}

const NOTHING = { pods: NO_PODS, nodes: new Int32Array(0), offsets: new Int32Array(1) };
