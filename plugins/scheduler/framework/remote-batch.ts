import { isRefusal, type NodeState, type PodInfo, type Refusal } from 'kernetes/sdk';
import type { Cache } from './cache.ts';
import { feasibleNodesToFind, type SchedulingCycle } from './cycle.ts';
import { Diagnosis } from './diagnosis.ts';
import { PluginFailure } from './profile.ts';
import type { Answer, Asked, RemotePlugin } from './remote-plugin.ts';
import type { Refused } from './shape-results.ts';

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
  readonly #answers: Promise<readonly Answer[]>;

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
  #reportIgnored(answers: readonly Answer[], asked: readonly Asked[]): void {
    for (let r = 0; r < answers.length; r++) {
      const answer = answers[r] as Answer;
      const { enabled } = this.#options.remotes[r] as RemotePlugin;
      if (answer instanceof PluginFailure && enabled.ignoresFailure) {
        this.#options.ignored(answer, (asked[0] as Asked).pod);
      }
    }
  }

  /** False: every node it could have had is taken now, and it must be looked for anew. */
  #place(asked: Asked, i: number, answers: readonly Answer[], since: number): boolean {
    const { cycle, chosen, refused } = this.#options;
    const { pod } = asked;
    const refusals = new Map<NodeState, Refused>();
    const totals = new Float64Array(asked.nodes.length);
    for (let r = 0; r < answers.length; r++) {
      this.#collect(asked, i, r, answers[r] as Answer, refusals, totals);
    }
    const accepted =
      refusals.size > 0 ? asked.nodes.filter(node => !refusals.has(node)) : asked.nodes;
    if (accepted.length === 0) {
      refused(pod, cycle.explain(pod, refusals));
      return true;
    }
    const enough = feasibleNodesToFind(asked.nodes.length);
    const candidates = refusals.size > 0 ? accepted.slice(0, enough) : accepted;
    const feasible = cycle.recheck(pod, candidates, since);
    if (feasible.length === 0) return false;
    const addTo = (sums: Float64Array): void => {
      // The feasible nodes are some of those asked about, in the same order.
      let at = 0;
      for (let k = 0; k < sums.length; k++, at++) {
        while (asked.nodes[at] !== feasible[k]) at++;
        sums[k] = (sums[k] as number) + (totals[at] as number);
      }
    };
    chosen(pod, cycle.select(pod, feasible, { addTo }));
    return true;
  }

  /** Takes over what plugin `r` said about pod `i`. */
  #collect(
    { pod, nodes }: Asked,
    i: number,
    r: number,
    answer: Answer,
    refusals: Map<NodeState, Refused>,
    totals: Float64Array,
  ): void {
    const { enabled } = this.#options.remotes[r] as RemotePlugin;
    if (answer instanceof PluginFailure) {
      if (enabled.ignoresFailure) return;
      throw answer;
    }
    const { result, offsets } = answer;
    const error = result.errors.find(({ pod: place }) => place === i);
    if (error) {
      const failure = new PluginFailure(enabled.name, new Error(error.message));
      if (!enabled.ignoresFailure) throw failure;
      this.#options.ignored(failure, pod);
      return;
    }
    const from = offsets[i] as number;
    for (let k = 0; k < nodes.length; k++) {
      const place = result.verdicts[from + k] as number;
      const refusal = place > 0 ? result.refusals[place - 1] : undefined;
      if (isRefusal(refusal)) refusals.set(nodes[k] as NodeState, refusedBy(enabled.name, refusal));
      else totals[k] = (totals[k] as number) + enabled.weight * (result.scores[from + k] as number);
    }
  }
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

function refusedBy(plugin: string, refusal: Refusal): Refused {
  return { plugin, refusal };
}
