import {
  checkedScore,
  isRefusal,
  type NodeState,
  type PodInfo,
  type Random,
  type Refusal,
  verdict,
} from 'kernetes/sdk';
import type { Cache } from './cache.ts';
import { Diagnosis } from './diagnosis.ts';
import { FEASIBLE_NODES_MIN, FEASIBLE_PERCENT_MIN } from './limits.ts';
import type { Nominations } from './nominator.ts';
import { type EnabledPlugin, PluginFailure, type Profile } from './profile.ts';
import { type PreFiltered, type Refused, ShapeCache, type ShapeResults } from './shape-results.ts';
import { filterStatesOf, Trial } from './trial.ts';

/**
 * The scheduling cycle up to the choice of a node: preFilter, filter, preScore, score, normalize,
 * select. Synchronous. The search starts where the one before ended and stops when enough feasible
 * nodes are found (percentageOfNodesToScore). Cost with n nodes looked at and p plugins: n·p calls
 * for a pod of an unknown shape, n comparisons for one of a known shape (see shape-results.ts).
 * No object is made per (pod, node).
 */
export class SchedulingCycle {
  readonly #profile: Profile;
  readonly #cache: Cache;
  readonly #random: Random;
  readonly #percentage: number;
  readonly #nominations: Nominations | undefined;
  readonly #onIgnored: (failure: PluginFailure, pod: PodInfo) => void;
  readonly #shapes: ShapeCache;
  readonly #keptFilters: readonly EnabledPlugin[];
  readonly #freshFilters: readonly EnabledPlugin[];
  readonly #keptScores: readonly EnabledPlugin[];
  #excluded = new Set<EnabledPlugin>();
  /** The plugin whose code runs: to say who threw. */
  #running: EnabledPlugin | undefined;
  #start = 0;
  #scratch = new Float64Array(0);
  #totals = new Float64Array(0);

  constructor(options: CycleOptions) {
    this.#profile = options.profile;
    this.#cache = options.cache;
    this.#random = options.random;
    this.#percentage = options.percentageOfNodesToScore ?? 0;
    this.#nominations = options.nominations;
    this.#onIgnored = options.onIgnored;
    this.#keptFilters = options.profile.filters.filter(({ cacheable }) => cacheable);
    this.#freshFilters = options.profile.filters.filter(({ cacheable }) => !cacheable);
    this.#keptScores = options.profile.scores.filter(({ cacheable }) => cacheable);
    this.#shapes = new ShapeCache(this.#keptScores.length);
  }

  /**
   * The feasible nodes, or why there are none. `all`: without stopping at enough. A node to which
   * the pod is nominated is taken without a look at others.
   */
  filter(pod: PodInfo, all = false): Found {
    const nominated = all ? undefined : this.#nominatedNode(pod);
    if (nominated && this.recheck(pod, [nominated], -1).length > 0) return [nominated];
    return this.#guarded(pod, () => this.#filter(pod, all));
  }

  /** Sets up the filters' contexts for the pod; gives a refusal for all nodes, if there is one. */
  prepare(pod: PodInfo): Diagnosis | undefined {
    return this.#guarded(pod, () => {
      const names = this.#preFilter(pod, this.#shapes.get(pod, this.#cache.indexEnd));
      return names instanceof Diagnosis ? names : undefined;
    });
  }

  /** The best of `feasible`, which must be the outcome of `filter` for this pod just now. */
  select(pod: PodInfo, feasible: readonly NodeState[], extra?: ExtraScores): NodeState {
    return this.#guarded(pod, () => this.#select(pod, feasible, extra));
  }

  /**
   * Takes up a pod again whose nodes were found a while ago: gives those that are still feasible.
   * Only nodes that changed since are asked about.
   */
  recheck(pod: PodInfo, nodes: readonly NodeState[], since: number): readonly NodeState[] {
    return this.#guarded(pod, () => {
      const results = this.#shapes.get(pod, this.#cache.indexEnd);
      const names = this.#preFilter(pod, results);
      if (names instanceof Diagnosis) return [];
      return nodes.filter(node => {
        if (node.generation <= since) return true;
        if (this.#cache.node(node.name) !== node || names?.has(node.name) === false) return false;
        return this.#check(pod, node, results) === undefined;
      });
    });
  }

  /** Why there is no node: the local filters' words, and those of others for what these accept. */
  explain(pod: PodInfo, others: ReadonlyMap<NodeState, Refused>): Diagnosis {
    return this.#guarded(pod, () => {
      const results = this.#shapes.get(pod, this.#cache.indexEnd);
      const names = this.#preFilter(pod, results);
      return names instanceof Diagnosis ? names : this.#diagnose(pod, results, names, others);
    });
  }

  /** Runs plugins' code; one that throws and may be ignored is left out and all is done again. */
  #guarded<T>(pod: PodInfo, run: () => T): T {
    this.#excluded.clear();
    for (;;) {
      try {
        return run();
      } catch (error) {
        const culprit = this.#running;
        if (!culprit || error instanceof PluginFailure) throw error;
        const failure = new PluginFailure(culprit.name, error);
        if (!culprit.ignoresFailure) throw failure;
        this.#excluded.add(culprit);
        this.#onIgnored(failure, pod);
      } finally {
        this.#running = undefined;
      }
    }
  }

  #filter(pod: PodInfo, all: boolean): Found {
    const { nodes } = this.#cache;
    const results = this.#shapes.get(pod, this.#cache.indexEnd);
    const narrowed = this.#preFilter(pod, results);
    if (narrowed instanceof Diagnosis) return narrowed;
    if (narrowed) return this.#filterNamed(pod, narrowed, results);
    const wanted = all ? nodes.length : feasibleNodesToFind(nodes.length, this.#percentage);
    const feasible: NodeState[] = [];
    let looked = 0;
    let at = this.#start >= nodes.length ? 0 : this.#start;
    const uncontested = this.#nominations?.isEmpty !== false;
    const fresh = this.#freshFilters.some(({ skipsFilter }) => !skipsFilter);
    const { filteredAt, refusals } = results;
    for (; looked < nodes.length && feasible.length < wanted; looked++) {
      const node = nodes[at] as NodeState;
      if (++at === nodes.length) at = 0;
      const { index } = node;
      const kept =
        filteredAt[index] === node.generation ? refusals[index] : this.#keep(node, results);
      if (
        kept === undefined &&
        (!fresh || this.#refusalOf(node, this.#freshFilters) === undefined) &&
        (uncontested || this.#refusalByRivals(pod, node) === undefined)
      ) {
        feasible.push(node);
      }
    }
    this.#start = at;
    return feasible.length > 0 ? feasible : this.#diagnose(pod, results);
  }

  #filterNamed(pod: PodInfo, names: ReadonlySet<string>, results: ShapeResults): Found {
    const feasible: NodeState[] = [];
    for (const name of names) {
      const node = this.#cache.node(name);
      if (node && this.#check(pod, node, results) === undefined) feasible.push(node);
    }
    if (feasible.length > 0) return feasible;
    return this.#diagnose(pod, results, names);
  }

  /** Asks again for the words; the answers are at hand, and nobody waits for them. */
  #diagnose(
    pod: PodInfo,
    results: ShapeResults,
    names?: ReadonlySet<string>,
    others?: ReadonlyMap<NodeState, Refused>,
  ): Diagnosis {
    const { nodes } = this.#cache;
    const diagnosis = new Diagnosis(nodes.length);
    for (const node of nodes) {
      const named = !names || names.has(node.name);
      const refused = named
        ? (this.#check(pod, node, results) ?? others?.get(node))
        : this.#elsewhere;
      if (refused) diagnosis.add(node.name, refused);
    }
    return diagnosis;
  }
  #elsewhere: Refused = NOT_SELECTED;

  #check(pod: PodInfo, node: NodeState, results: ShapeResults): Refused | undefined {
    const valid = results.filteredAt[node.index] === node.generation;
    const kept = valid ? results.refusals[node.index] : this.#keep(node, results);
    const refused = kept ?? this.#refusalOf(node, this.#freshFilters);
    return refused ?? this.#refusalByRivals(pod, node);
  }

  #nominatedNode(pod: PodInfo): NodeState | undefined {
    if (this.#nominations?.isEmpty !== false) return undefined;
    const name = this.#nominations.nodeOf(pod.key);
    return name === undefined ? undefined : this.#cache.node(name);
  }

  /** Whether pods that are nominated to the node, and matter no less, leave no room for this one. */
  #refusalByRivals(pod: PodInfo, node: NodeState): Refused | undefined {
    const rivals = this.#nominations?.rivals(pod, node.name);
    if (!rivals?.length) return undefined;
    const trial = new Trial(pod, node, {
      states: filterStatesOf(this.#profile),
      nodes: this.#cache.nodes,
      nominations: undefined,
      generation: () => this.#cache.newGeneration(),
    });
    for (const rival of rivals) trial.add(rival);
    return trial.filter();
  }

  /** Asks the cacheable filters and keeps what they say. */
  #keep(node: NodeState, results: ShapeResults): Refused | undefined {
    const refused = this.#refusalOf(node, this.#keptFilters);
    results.refusals[node.index] = refused;
    results.filteredAt[node.index] = node.generation;
    return refused;
  }

  #refusalOf(node: NodeState, filters: readonly EnabledPlugin[]): Refused | undefined {
    for (let i = 0; i < filters.length; i++) {
      const enabled = filters[i] as EnabledPlugin;
      const { context, plugin } = enabled;
      if (enabled.skipsFilter) continue;
      this.#running = enabled;
      context.node = node;
      const outcome = plugin.filter?.(context);
      if (outcome !== undefined && isRefusal(outcome)) {
        return { plugin: enabled.name, refusal: outcome };
      }
    }
    return undefined;
  }

  /** Sets up every filter's context. Gives the only nodes that can do, if they were named. */
  #preFilter(pod: PodInfo, results: ShapeResults): ReadonlySet<string> | Diagnosis | undefined {
    const { filters, scores } = this.#profile;
    const { nodes } = this.#cache;
    for (const { context } of scores) {
      context.pod = pod;
      context.nodes = nodes;
      context.state = undefined;
    }
    const known = results.preFiltered;
    const outcomes: PreFiltered[] = [];
    let names: ReadonlySet<string> | undefined;
    for (let i = 0; i < filters.length; i++) {
      const enabled = filters[i] as EnabledPlugin;
      const outcome =
        enabled.cacheable && known ? (known[i] as PreFiltered) : this.#ask(enabled, pod, nodes);
      outcomes.push(outcome);
      enabled.context.pod = pod;
      enabled.context.nodes = nodes;
      enabled.context.state = outcome.state;
      enabled.skipsFilter = outcome.verdict?.code === 'skip' || this.#excluded.has(enabled);
      if (isRefusal(outcome.verdict)) {
        const diagnosis = new Diagnosis(nodes.length);
        diagnosis.addForAll({ plugin: enabled.name, refusal: outcome.verdict });
        return diagnosis;
      }
      if (outcome.verdict?.code === 'only') {
        names = narrowed(names, outcome.verdict.nodeNames);
        this.#elsewhere = { plugin: enabled.name, refusal: NOT_SELECTED.refusal };
      }
    }
    if (!known && this.#excluded.size === 0) results.preFiltered = outcomes;
    return names;
  }

  #ask(enabled: EnabledPlugin, pod: PodInfo, nodes: readonly NodeState[]): PreFiltered {
    const { context, plugin } = enabled;
    if (!plugin.preFilter || this.#excluded.has(enabled)) return NOTHING_SAID;
    this.#running = enabled;
    context.pod = pod;
    context.nodes = nodes;
    context.state = undefined;
    const outcome = plugin.preFilter(context);
    return { verdict: outcome, state: context.state };
  }

  #select(pod: PodInfo, feasible: readonly NodeState[], extra?: ExtraScores): NodeState {
    if (feasible.length === 1) return feasible[0] as NodeState;
    const results = this.#shapes.get(pod, this.#cache.indexEnd);
    const totals = this.#sumScores(feasible, results);
    if (extra) extra.addTo(totals);
    let best = -1;
    let ties = 0;
    for (let i = 0; i < totals.length; i++) {
      const total = totals[i] as number;
      if (total > best) {
        best = total;
        ties = 1;
      } else if (total === best) {
        ties++;
      }
    }
    // One draw among equals, not one per equal: the source of randomness may be slow.
    let skip = ties > 1 ? this.#random.integer(ties) : 0;
    let chosen = 0;
    for (; totals[chosen] !== best || skip-- > 0; chosen++);
    return feasible[chosen] as NodeState;
  }

  #sumScores(feasible: readonly NodeState[], results: ShapeResults): Float64Array {
    const { scores } = this.#profile;
    const count = feasible.length;
    if (this.#totals.length !== count) {
      this.#totals = new Float64Array(count);
      this.#scratch = new Float64Array(count);
    }
    const totals = this.#totals.fill(0);
    this.#preScore(feasible, results);
    if (this.#keptScores.length > 0) this.#keepScores(feasible, results);
    for (let s = 0; s < scores.length; s++) {
      const enabled = scores[s] as EnabledPlugin;
      if (enabled.skipsScore || this.#excluded.has(enabled)) continue;
      const raw = this.#scratch;
      if (enabled.cacheable) copyScores(raw, results.scores[s] as Float64Array, feasible);
      else this.#ownScores(enabled, feasible, raw);
      this.#running = enabled;
      enabled.plugin.normalize?.(raw, enabled.context);
      const { name, weight } = enabled;
      for (let i = 0; i < count; i++) {
        totals[i] = (totals[i] as number) + weight * checkedScore(name, raw[i] as number);
      }
    }
    return totals;
  }

  #preScore(feasible: readonly NodeState[], results: ShapeResults): void {
    const { scores } = this.#profile;
    const known = results.preScored;
    const outcomes: PreFiltered[] = [];
    for (let i = 0; i < scores.length; i++) {
      const enabled = scores[i] as EnabledPlugin;
      const { context, plugin } = enabled;
      let outcome = enabled.cacheable ? known?.[i] : undefined;
      if (outcome) {
        context.state = outcome.state;
      } else if (this.#excluded.has(enabled)) {
        outcome = NOTHING_SAID;
      } else {
        this.#running = enabled;
        const said = plugin.preScore?.(Object.assign(context, { feasible }));
        outcome = { verdict: said, state: context.state };
      }
      outcomes.push(outcome);
      enabled.skipsScore = outcome.verdict?.code === 'skip';
    }
    if (!known && this.#excluded.size === 0) results.preScored = outcomes;
  }

  /** Brings the kept scores of the feasible nodes up to date. */
  #keepScores(feasible: readonly NodeState[], results: ShapeResults): void {
    const { scoredAt } = results;
    for (let i = 0; i < feasible.length; i++) {
      const node = feasible[i] as NodeState;
      if (scoredAt[node.index] === node.generation) continue;
      for (let s = 0; s < this.#keptScores.length; s++) {
        const enabled = this.#keptScores[s] as EnabledPlugin;
        if (enabled.skipsScore || this.#excluded.has(enabled)) continue;
        this.#running = enabled;
        enabled.context.node = node;
        const score = enabled.plugin.score?.(enabled.context) as number;
        (results.scores[s] as Float64Array)[node.index] = score;
      }
      if (this.#excluded.size === 0) scoredAt[node.index] = node.generation;
    }
  }

  #ownScores(enabled: EnabledPlugin, feasible: readonly NodeState[], raw: Float64Array): void {
    const { context, plugin } = enabled;
    this.#running = enabled;
    for (let i = 0; i < feasible.length; i++) {
      context.node = feasible[i] as NodeState;
      raw[i] = plugin.score?.(context) as number;
    }
  }
}

export interface CycleOptions {
  readonly profile: Profile;
  readonly cache: Cache;
  readonly random: Random;
  /** 0 or absent: adaptive. */
  readonly percentageOfNodesToScore?: number;
  readonly nominations?: Nominations;
  /** A plugin failed that declares `onFailure: 'ignore'`. */
  onIgnored(failure: PluginFailure, pod: PodInfo): void;
}

export type Found = readonly NodeState[] | Diagnosis;

/** Scores that came from elsewhere. */
export interface ExtraScores {
  addTo(totals: Float64Array): void;
}

const NOTHING_SAID: PreFiltered = { verdict: undefined, state: undefined };
const NOT_SELECTED: Refused = {
  plugin: '',
  refusal: verdict.unresolvable(
    "node(s) didn't satisfy plugin(s)' PreFilter result",
  ) satisfies Refusal,
};

/** Upstream's numFeasibleNodesToFind. */
export function feasibleNodesToFind(nodeCount: number, percentage = 0): number {
  if (nodeCount < FEASIBLE_NODES_MIN || percentage >= 100) return nodeCount;
  const adaptive = Math.max(FEASIBLE_PERCENT_MIN, 50 - Math.trunc(nodeCount / 125));
  const count = Math.trunc((nodeCount * (percentage || adaptive)) / 100);
  return Math.max(FEASIBLE_NODES_MIN, count);
}

function narrowed(
  names: ReadonlySet<string> | undefined,
  more: readonly string[],
): ReadonlySet<string> {
  return new Set(names ? more.filter(name => names.has(name)) : more);
}

function copyScores(raw: Float64Array, kept: Float64Array, nodes: readonly NodeState[]): void {
  for (let i = 0; i < nodes.length; i++) {
    raw[i] = kept[(nodes[i] as NodeState).index] as number;
  }
}
