import type { NodeState, PodInfo, Refusal } from 'kernetes/sdk';
import type { Cache } from '../cache.ts';
import { type ExtraScores, feasibleNodesToFind, type SchedulingCycle } from '../cycle/cycle.ts';
import { Diagnosis } from '../cycle/diagnosis.ts';
import { PluginFailure } from '../profile/profile.ts';
import type { Answer } from './answer.ts';
import type { Asked, RemotePlugin } from './remote-plugin.ts';

/**
 * Schedules several pods with the help of plugins in other threads. The local filters find each
 * pod's nodes as if it were alone; each plugin then gets one message with all of it; then the pods
 * take their nodes in order, and a node that changed meanwhile (mostly: taken by an earlier pod of
 * the batch) passes the local filters again first. So local rules hold exactly, and a remote
 * plugin's view is as old as the message. Asking pod by pod instead would cost a round trip each.
 */
export class RemoteBatch {
  readonly #options: RemoteBatchOptions;
  readonly #asked: readonly Asked[];
  readonly #since: number;
  readonly #answers: Promise<readonly Answered[]>;
  readonly #told = new Set<string>();

  /** Finds the pods' nodes and sends the questions. */
  constructor(pods: readonly PodInfo[], options: RemoteBatchOptions) {
    const { cache, remotes } = options;
    this.#options = options;
    this.#asked = this.#findNodes(pods);
    this.#since = cache.generation;
    const asked = this.#asked.length > 0 ? remotes : [];
    this.#answers = Promise.all(asked.map(remote => remote.ask(this.#asked, cache.nodes)));
  }

  /**
   * Places the pods when the answers are in. Gives back those that lost all their nodes to others
   * meanwhile, to be asked about anew.
   */
  async place(): Promise<readonly PodInfo[]> {
    const answers = await this.#answers;
    this.#reportIgnored(answers, this.#asked);
    const again: PodInfo[] = [];
    for (let i = 0; i < this.#asked.length; i++) {
      const asked = this.#asked[i] as Asked;
      if (!this.#options.isWanted(asked.pod)) continue;
      try {
        if (!this.#place(asked, i, answers, this.#since)) again.push(asked.pod);
      } catch (error) {
        this.#options.failed(asked.pod, error);
      }
    }
    return again;
  }

  #findNodes(pods: readonly PodInfo[]): Asked[] {
    const { cycle, refused, failed, remotes } = this.#options;
    const all = remotes.some(({ enabled }) => enabled.points.has('filter'));
    const asked: Asked[] = [];
    for (const pod of pods) {
      try {
        const nodes = cycle.filter(pod, all);
        if (nodes instanceof Diagnosis) refused(pod, nodes);
        else asked.push({ pod, nodes });
      } catch (error) {
        failed(pod, error);
      }
    }
    return asked;
  }

  /** One warning for a plugin that gave nothing at all, whatever the number of pods. */
  #reportIgnored(answers: readonly Answered[], asked: readonly Asked[]): void {
    for (let r = 0; r < answers.length; r++) {
      const answer = answers[r] as Answered;
      const { enabled } = this.#options.remotes[r] as RemotePlugin;
      if (answer instanceof PluginFailure && enabled.ignoresFailure) {
        this.#options.ignored(answer, (asked[0] as Asked).pod);
      }
    }
  }

  /** False: every node it could have had is taken now, and it must be looked for anew. */
  #place(asked: Asked, i: number, answers: readonly Answered[], since: number): boolean {
    const { cycle, chosen, refused } = this.#options;
    const { pod, nodes } = asked;
    const usable = this.#usable(asked, i, answers);
    const refusals = this.#refusals(asked, i, usable);
    const accepted = refusals ? nodes.filter(node => !refusals.has(node)) : nodes;
    if (refusals && accepted.length === 0) {
      refused(pod, cycle.explain(pod, refusals));
      return true;
    }
    if (refusals) cycle.refusedElsewhere(pod, refusals);
    const enough = feasibleNodesToFind(nodes.length);
    const candidates = refusals ? accepted.slice(0, enough) : accepted;
    const feasible = this.#stillFeasible(pod, candidates, since);
    if (feasible.length === 0) return false;
    chosen(pod, cycle.select(pod, feasible, this.#scoresOf(i, usable, nodes, feasible)));
    return true;
  }

  /** The answers that count for pod `i`, by the place of their plugin. */
  #usable(
    { pod }: Asked,
    i: number,
    answers: readonly Answered[],
  ): readonly (Answer | undefined)[] {
    return answers.map((answer, r) => {
      const { enabled } = this.#options.remotes[r] as RemotePlugin;
      if (answer instanceof PluginFailure) {
        if (enabled.ignoresFailure) return undefined;
        throw answer;
      }
      const error = answer.errorOf(i);
      if (error === undefined) return answer;
      const failure = new PluginFailure(enabled.name, new Error(error));
      if (!enabled.ignoresFailure) throw failure;
      // What is wrong for one pod of a batch is mostly wrong for all.
      if (!this.#told.has(failure.message)) this.#options.ignored(failure, pod);
      this.#told.add(failure.message);
      return undefined;
    });
  }

  /** Undefined: nobody refused anything. */
  #refusals(
    { nodes }: Asked,
    i: number,
    answers: readonly (Answer | undefined)[],
  ): Map<NodeState, RefusedBy> | undefined {
    let refusals: Map<NodeState, RefusedBy> | undefined;
    for (let r = 0; r < answers.length; r++) {
      const answer = answers[r];
      if (!answer?.refuses(i)) continue;
      const { name: plugin } = (this.#options.remotes[r] as RemotePlugin).enabled;
      refusals ??= new Map();
      for (let k = 0; k < nodes.length; k++) {
        const refusal = answer.refusalOf(i, k);
        const node = nodes[k] as NodeState;
        if (refusal && !refusals.has(node)) refusals.set(node, { plugin, refusal });
      }
    }
    return refusals?.size ? refusals : undefined;
  }

  /** Those that changed since the question are asked about again, here. */
  #stillFeasible(
    pod: PodInfo,
    candidates: readonly NodeState[],
    since: number,
  ): readonly NodeState[] {
    const changed: NodeState[] = [];
    for (let k = 0; k < candidates.length; k++) {
      const node = candidates[k] as NodeState;
      if (node.generation > since) changed.push(node);
    }
    // In any case: this readies the plugins' contexts for the pod.
    const left = this.#options.cycle.recheck(pod, changed, since);
    if (left.length === changed.length) return candidates;
    const lost = new Set(changed);
    for (const node of left) lost.delete(node);
    return candidates.filter(node => !lost.has(node));
  }

  #scoresOf(
    i: number,
    answers: readonly (Answer | undefined)[],
    nodes: readonly NodeState[],
    feasible: readonly NodeState[],
  ): ExtraScores {
    return {
      addTo: (sums, recorder) => {
        const own = new Float64Array(nodes.length);
        for (let r = 0; r < answers.length; r++) {
          const { enabled } = this.#options.remotes[r] as RemotePlugin;
          const answer = answers[r];
          if (!answer || !enabled.points.has('score')) continue;
          answer.readScores(i, own);
          const scores = keepFeasible(own, nodes, feasible);
          recorder?.raw(enabled, scores);
          const { weight } = enabled;
          for (let k = 0; k < sums.length; k++) {
            sums[k] = (sums[k] as number) + weight * (scores[k] as number);
          }
        }
      },
    };
  }
}

/** The feasible nodes are some of those asked about, in the same order. */
function keepFeasible(
  scores: Float64Array,
  nodes: readonly NodeState[],
  feasible: readonly NodeState[],
): Float64Array {
  if (nodes.length === feasible.length) return scores;
  let at = 0;
  for (let k = 0; k < feasible.length; k++, at++) {
    while (nodes[at] !== feasible[k]) at++;
    scores[k] = scores[at] as number;
  }
  return scores.subarray(0, feasible.length);
}

export interface RemoteBatchOptions {
  readonly cycle: SchedulingCycle;
  readonly cache: Cache;
  readonly remotes: readonly RemotePlugin[];
  /** Whether the pod still waits to be scheduled. */
  isWanted(pod: PodInfo): boolean;
  ignored(failure: PluginFailure, pod: PodInfo): void;
  chosen(pod: PodInfo, node: NodeState): void;
  refused(pod: PodInfo, diagnosis: Diagnosis): void;
  failed(pod: PodInfo, error: unknown): void;
}

type Answered = Answer | PluginFailure;

interface RefusedBy {
  readonly plugin: string;
  readonly refusal: Refusal;
}
