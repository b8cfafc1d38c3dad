import type { NodeContext, SchedulerPlugin } from '../scheduler.ts';
import type { NodeInfo, PodInfo } from '../scheduler-info.ts';
import { isRefusal, type Verdict } from '../scheduler-verdict.ts';

/** A plugin's points in the order of a cycle. */
export class SchedulerRun {
  readonly #plugin: SchedulerPlugin;
  readonly #config: unknown;

  constructor(plugin: SchedulerPlugin, config: unknown) {
    this.#plugin = plugin;
    this.#config = config;
  }

  filter(one: PodInfo, nodes: readonly NodeInfo[]): (Verdict | undefined)[] {
    return this.filterIn(this.contextOf(one, nodes), nodes);
  }

  /** Of the nodes that pass; -1 for those that do not. */
  score(one: PodInfo, nodes: readonly NodeInfo[]): number[] {
    return this.both(one, nodes).scores.filter(score => score !== -1);
  }

  both(one: PodInfo, nodes: readonly NodeInfo[]): Outcome {
    const context = this.contextOf(one, nodes);
    const verdicts = this.filterIn(context, nodes).map(said => (isRefusal(said) ? said : null));
    const feasible = nodes.filter((_, i) => verdicts[i] === null);
    const scores = this.#score(context, feasible);
    let at = 0;
    return { verdicts, scores: verdicts.map(refusal => (refusal ? -1 : (scores[at++] as number))) };
  }

  filterIn(context: OwnContext, nodes: readonly NodeInfo[]): (Verdict | undefined)[] {
    const before = this.#plugin.preFilter?.(context);
    if (before?.code === 'skip') return nodes.map(() => undefined);
    if (isRefusal(before)) return nodes.map(() => before);
    return nodes.map(state => {
      context.node = state;
      if (before?.code === 'only' && !before.nodeNames.includes(state.name)) return ELSEWHERE;
      return this.#plugin.filter?.(context);
    });
  }

  #score(context: OwnContext, feasible: readonly NodeInfo[]): Float64Array {
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

  contextOf(one: PodInfo, nodes: readonly NodeInfo[]): OwnContext {
    return { pod: one, node: nodes[0] as NodeInfo, nodes, config: this.#config, state: undefined };
  }
}

export type OwnContext = { -readonly [K in keyof NodeContext]: NodeContext[K] };

export interface Outcome {
  readonly verdicts: (Verdict | null)[];
  readonly scores: number[];
}

const ELSEWHERE: Verdict = {
  code: 'unresolvable',
  reasons: ["node(s) didn't satisfy plugin(s)' PreFilter result"],
};
