import type { NodeState, PodInfo, Random } from 'kernetes/sdk';
import type { Cache } from '../cache.ts';
import type { AttemptRecorder } from '../explanation/attempt-record.ts';
import { FEASIBLE_NODES_MIN, FEASIBLE_PERCENT_MIN } from '../limits.ts';
import type { Nominations } from '../preemption/nominator.ts';
import { Trial, trialFiltersOf } from '../preemption/trial.ts';
import { type EnabledPlugin, PluginFailure, type Profile } from '../profile/profile.ts';
import { Diagnosis } from './diagnosis.ts';
import { NodeOrder } from './node-order.ts';
import { NodeQuestions } from './node-questions.ts';
import { PreFilter, type PreFilterOutcome } from './pre-filter.ts';
import { Scoring } from './scoring.ts';
import { ShapeCache, ShapeResults } from './shape-results.ts';
import { type Refused, VerdictTable } from './verdict-table.ts';

/**
 * The scheduling cycle up to the choice of a node: preFilter, filter, preScore, score, normalize,
 * select. Synchronous. The search starts where the one before ended and stops when enough feasible
 * nodes are found (percentageOfNodesToScore). Nodes are asked about in chunks no larger than what is
 * still wanted: plugins that answer for many nodes at once read columns, and what cacheable ones
 * said is kept by shape (see shape-results.ts). Cost with n nodes looked at and p plugins: n·p
 * answers for a pod of an unknown shape, n comparisons of numbers for one of a known shape. No
 * object is made per (pod, node), except for nodes to which other pods are nominated.
 */
export class SchedulingCycle {
  readonly #options: CycleOptions;
  readonly #cache: Cache;
  readonly #excluded = new Set<EnabledPlugin>();
  readonly #questions: NodeQuestions;
  readonly #preFilter: PreFilter;
  readonly #scoring: Scoring;
  readonly #keptFilters: readonly EnabledPlugin[];
  readonly #freshFilters: readonly EnabledPlugin[];
  readonly #places: ReadonlyMap<string, number>;
  /** Those of other threads too, which are asked last. */
  readonly #namedFilters: readonly EnabledPlugin[];
  readonly #keptScoreCount: number;
  #shapes: ShapeCache;
  /** For what must not be kept. */
  readonly #unkept: ShapeResults;
  #table = new VerdictTable();
  #order: NodeOrder;
  #pod: PodInfo | undefined;
  #stale = new Int32Array(0);
  #candidates = new Int32Array(0);
  /** By node index: what the filters that are not cacheable said. */
  #freshCodes = new Uint16Array(0);
  /** What the last search found. */
  #found: readonly NodeState[] = [];
  #foundIndices = new Int32Array(0);
  #foundCount = 0;
  #elsewhereIndices = new Int32Array(0);
  readonly #one = new Int32Array(1);
  /** By place in the order of the search: what all filters said. */
  #codes = new Uint16Array(0);

  constructor(options: CycleOptions) {
    const { profile, cache, plain = false } = options;
    this.#options = options;
    this.#cache = cache;
    this.#questions = new NodeQuestions(cache.columns, !plain);
    const shared = { profile, cache, questions: this.#questions, excluded: this.#excluded };
    this.#preFilter = new PreFilter(shared);
    this.#scoring = new Scoring({ ...shared, plain, recorder: options.recorder });
    this.#keptFilters = profile.filters.filter(({ cacheable }) => cacheable);
    this.#freshFilters = profile.filters.filter(({ cacheable }) => !cacheable);
    const remote = profile.remote.filter(({ points }) => points.has('filter'));
    this.#namedFilters = [...profile.filters, ...remote];
    this.#places = new Map(profile.filters.map(({ name }, place) => [name, place]));
    this.#keptScoreCount = profile.scores.filter(({ cacheable }) => cacheable).length;
    this.#shapes = new ShapeCache(this.#keptScoreCount);
    this.#unkept = new ShapeResults(0, this.#keptScoreCount);
    this.#order = new NodeOrder([]);
  }

  /**
   * The feasible nodes, or why there are none. `all`: without stopping at enough. A node to which
   * the pod is nominated is taken without a look at others.
   */
  filter(pod: PodInfo, all = false): Found {
    this.#pod = undefined;
    const nominated = all ? undefined : this.#nominatedNode(pod);
    if (nominated && this.recheck(pod, [nominated], -1).length > 0) return [nominated];
    return this.#guarded(pod, results => {
      const outcome = this.#preFilter.run(pod, results);
      if (outcome.refused) return this.#refusedForAll(pod, outcome.refused);
      return this.#search(pod, results, outcome, all);
    });
  }

  /** Sets up the filters' contexts for the pod; gives a refusal for all nodes, if there is one. */
  prepare(pod: PodInfo): Diagnosis | undefined {
    return this.#guarded(pod, results => {
      const { refused } = this.#preFilter.run(pod, results);
      return refused && this.#refusedForAll(pod, refused);
    });
  }

  /** The best of `feasible`, which must be the outcome of `filter` for this pod just now. */
  select(pod: PodInfo, feasible: readonly NodeState[], extra?: ExtraScores): NodeState {
    if (feasible.length === 1) return feasible[0] as NodeState;
    return this.#guarded(pod, results => {
      const indices = this.#indicesOf(feasible);
      const totals = this.#scoring.totals(pod, { nodes: feasible, indices }, results);
      extra?.addTo(totals, this.#options.recorder);
      return feasible[this.#best(totals)] as NodeState;
    });
  }

  /**
   * Takes up a pod again whose nodes were found a while ago: gives those that are still feasible.
   * Only nodes that changed since are asked about.
   */
  recheck(pod: PodInfo, nodes: readonly NodeState[], since: number): readonly NodeState[] {
    return this.#guarded(pod, results => {
      const { refused, names } = this.#preFilter.run(pod, results);
      if (refused) return [];
      return nodes.filter(node => {
        if (node.generation <= since) return true;
        if (this.#cache.node(node.name) !== node || names?.has(node.name) === false) return false;
        return this.#check(pod, node, results) === 0;
      });
    });
  }

  /** Why there is no node: the local filters' words, and those of others for what these accept. */
  explain(pod: PodInfo, others: ReadonlyMap<NodeState, Refused>): Diagnosis {
    return this.#guarded(pod, results => {
      const { refused, names, elsewhere } = this.#preFilter.run(pod, results);
      if (refused) return this.#refusedForAll(pod, refused);
      const { nodes } = this.#order;
      const codes = new Uint16Array(nodes.length);
      nodes.forEach((node, i) => {
        const other = others.get(node);
        if (names?.has(node.name) === false) codes[i] = this.#codeOf(elsewhere);
        else codes[i] = this.#check(pod, node, results) || this.#codeOf(other);
      });
      return this.#diagnosed(pod, codes);
    });
  }

  /** For those who ask later: what others refused of the nodes that `filter` found. */
  refusedElsewhere(pod: PodInfo, others: ReadonlyMap<NodeState, Refused>): void {
    this.#options.recorder?.refusedElsewhere(pod, others);
  }

  /** Runs plugins' code; one that throws and may be ignored is left out and all is done again. */
  #guarded<T>(pod: PodInfo, run: (results: ShapeResults) => T): T {
    if (this.#pod !== pod) this.#excluded.clear();
    this.#pod = pod;
    this.#followCache();
    for (;;) {
      try {
        return run(this.#resultsOf(pod));
      } catch (error) {
        const culprit = this.#questions.running;
        if (!culprit || error instanceof PluginFailure) throw error;
        const failure = new PluginFailure(culprit.name, error);
        if (!culprit.ignoresFailure) throw failure;
        this.#excluded.add(culprit);
        this.#options.onIgnored(failure, pod);
      } finally {
        this.#questions.running = undefined;
      }
    }
  }

  #followCache(): void {
    const { nodes, indexEnd } = this.#cache;
    if (this.#order.nodes !== nodes) {
      this.#order = new NodeOrder(nodes);
      this.#questions.nodesByIndex = this.#order.byIndex;
    }
    if (this.#freshCodes.length < indexEnd) {
      this.#stale = new Int32Array(2 * indexEnd);
      this.#candidates = new Int32Array(2 * indexEnd);
      this.#freshCodes = new Uint16Array(2 * indexEnd);
      this.#foundIndices = new Int32Array(2 * indexEnd);
      this.#found = [];
      this.#codes = new Uint16Array(2 * indexEnd);
    }
    if (this.#table.isFull) {
      this.#table = new VerdictTable();
      this.#shapes = new ShapeCache(this.#keptScoreCount);
    }
  }

  /** What is said without a plugin that is otherwise asked holds for this pod only. */
  #resultsOf(pod: PodInfo): ShapeResults {
    const { indexEnd } = this.#cache;
    if (!this.#options.plain && this.#excluded.size === 0) return this.#shapes.get(pod, indexEnd);
    this.#unkept.clear();
    this.#unkept.grow(indexEnd);
    return this.#unkept;
  }

  #search(pod: PodInfo, results: ShapeResults, outcome: PreFilterOutcome, all: boolean): Found {
    const { names, elsewhere } = outcome;
    const order = names ? this.#named(names) : this.#order;
    const count = order.nodes.length;
    const wanted = all ? count : this.#wanted(count);
    const fresh = this.#freshFilters.some(({ skipsFilter }) => !skipsFilter);
    const uncontested = this.#options.nominations?.isEmpty !== false;
    this.#foundCount = 0;
    const start = count > 0 ? this.#cache.searchStart % count : 0;
    let looked = 0;
    while (looked < count && this.#foundCount < wanted) {
      const at = (start + looked) % count;
      const chunk = Math.min(
        count - looked,
        count - at,
        Math.max(CHUNK_MIN, wanted - this.#foundCount),
      );
      this.#ask(order, at, chunk, results);
      if (fresh) this.#askFresh(order, at, chunk, results);
      looked += this.#collect(pod, order, { at, chunk, wanted, uncontested }, results);
    }
    const { searchStart } = this.#cache;
    this.#cache.searchStart = (searchStart + looked) % Math.max(1, this.#order.nodes.length);
    if (this.#foundCount > 0) {
      this.#record(pod, order, start, looked, this.#foundCount);
      return this.#foundNodes();
    }
    if (fresh) this.#askInOrder(order, results);
    return this.#diagnosed(pod, this.#codesOfAll(order, elsewhere), start);
  }

  /** Of the right length from the start: one that grows leaves twice as much to the collector. */
  #foundNodes(): readonly NodeState[] {
    const { byIndex } = this.#order;
    const found = new Array<NodeState>(this.#foundCount);
    for (let i = 0; i < found.length; i++) {
      found[i] = byIndex[this.#foundIndices[i] as number] as NodeState;
    }
    this.#found = found;
    return found;
  }

  #named(names: ReadonlySet<string>): NodeOrder {
    const nodes: NodeState[] = [];
    for (const name of names) {
      const node = this.#cache.node(name);
      if (node) nodes.push(node);
    }
    return new NodeOrder(nodes);
  }

  /** Without scores, one is as good as another: upstream's too. */
  #wanted(count: number): number {
    const { profile, percentageOfNodesToScore } = this.#options;
    if (profile.scores.length === 0 && profile.remote.length === 0) return 1;
    return feasibleNodesToFind(count, percentageOfNodesToScore);
  }

  /** Brings what the cacheable filters said about a chunk of nodes up to date. */
  #ask({ indices }: NodeOrder, at: number, chunk: number, results: ShapeResults): void {
    const { generation } = this.#cache.columns;
    const { filteredAt } = results;
    const stale = this.#stale;
    let count = 0;
    for (let i = at; i < at + chunk; i++) {
      const index = indices[i] as number;
      if (filteredAt[index] !== generation[index]) stale[count++] = index;
    }
    if (count === 0) return;
    const asked = { indices: stale, count, codes: results.refusals };
    this.#questions.filter(this.#keptFilters, asked, this.#table);
    for (let i = 0; i < count; i++) {
      const index = stale[i] as number;
      filteredAt[index] = generation[index] as number;
    }
  }

  /** Asks the other filters about those nodes of the chunk that are left. */
  #askFresh({ indices }: NodeOrder, at: number, chunk: number, results: ShapeResults): void {
    const { refusals } = results;
    const candidates = this.#candidates;
    let count = 0;
    for (let i = at; i < at + chunk; i++) {
      const index = indices[i] as number;
      if (refusals[index] === 0) candidates[count++] = index;
      else this.#freshCodes[index] = 0;
    }
    const asked = { indices: candidates, count, codes: this.#freshCodes };
    this.#questions.filter(this.#freshFilters, asked, this.#table);
  }

  /** Takes the feasible nodes of a chunk until there are enough; gives how many were looked at. */
  #collect(
    pod: PodInfo,
    { nodes, indices }: NodeOrder,
    { at, chunk, wanted, uncontested }: Chunk,
    { refusals }: ShapeResults,
  ): number {
    const codes = this.#codes;
    const fresh = this.#freshFilters.some(({ skipsFilter }) => !skipsFilter);
    for (let i = at; i < at + chunk; i++) {
      const index = indices[i] as number;
      let code = refusals[index] as number;
      if (code === 0 && fresh) code = this.#freshCodes[index] as number;
      if (code === 0 && !uncontested) code = this.#rivalsCode(pod, nodes[i] as NodeState);
      codes[i] = code;
      if (code !== 0) continue;
      this.#foundIndices[this.#foundCount++] = index;
      if (this.#foundCount === wanted) return i + 1 - at;
    }
    return chunk;
  }

  /**
   * Where all refuse, the first in the profile's order has the word, though those whose answers are
   * kept were asked first.
   */
  #askInOrder({ indices, nodes }: NodeOrder, results: ShapeResults): void {
    const candidates = this.#candidates;
    for (const [place, enabled] of this.#options.profile.filters.entries()) {
      if (enabled.cacheable || enabled.skipsFilter) continue;
      let count = 0;
      for (let i = 0; i < nodes.length; i++) {
        const index = indices[i] as number;
        const refused = this.#table.get(results.refusals[index] as number);
        const isEarlier = refused && place < (this.#places.get(refused.plugin) as number);
        if (isEarlier && this.#freshCodes[index] === 0) candidates[count++] = index;
      }
      const asked = { indices: candidates, count, codes: this.#freshCodes };
      this.#questions.filter([enabled], asked, this.#table);
    }
    for (let i = 0; i < nodes.length; i++) {
      const index = indices[i] as number;
      if (this.#freshCodes[index] !== 0) this.#codes[i] = this.#freshCodes[index] as number;
    }
  }

  #check(pod: PodInfo, node: NodeState, results: ShapeResults): number {
    const { index, generation } = node;
    const indices = this.#one;
    indices[0] = index;
    if (results.filteredAt[index] !== generation) {
      const asked = { indices, count: 1, codes: results.refusals };
      this.#questions.filter(this.#keptFilters, asked, this.#table);
      results.filteredAt[index] = generation;
    }
    const kept = results.refusals[index] as number;
    if (kept !== 0) return kept;
    if (this.#freshFilters.every(({ skipsFilter }) => skipsFilter)) {
      return this.#rivalsCode(pod, node);
    }
    const asked = { indices, count: 1, codes: this.#freshCodes };
    this.#questions.filter(this.#freshFilters, asked, this.#table);
    return this.#freshCodes[index] || this.#rivalsCode(pod, node);
  }

  #nominatedNode(pod: PodInfo): NodeState | undefined {
    const { nominations } = this.#options;
    if (nominations?.isEmpty !== false) return undefined;
    const name = nominations.nodeOf(pod.key);
    return name === undefined ? undefined : this.#cache.node(name);
  }

  /** Whether pods that are nominated to the node, and matter no less, leave no room for this one. */
  #rivalsCode(pod: PodInfo, node: NodeState): number {
    const rivals = this.#options.nominations?.rivals(pod, node.name);
    if (!rivals?.length) return 0;
    const trial = new Trial(pod, node, {
      filters: trialFiltersOf(pod, this.#options.profile, this.#cache.nodes),
      nominations: undefined,
      generation: () => this.#cache.newGeneration(),
    });
    for (const rival of rivals) trial.add(rival);
    return this.#codeOf(trial.filter());
  }

  #codeOf(refused: Refused | undefined): number {
    return refused ? this.#table.codeOf(refused.plugin, refused.refusal) : 0;
  }

  /** The codes of all nodes, after a search among `order`. */
  #codesOfAll(order: NodeOrder, elsewhere: Refused | undefined): Uint16Array {
    const { nodes, placeOf } = this.#order;
    if (order === this.#order) return this.#codes.slice(0, nodes.length);
    const codes = new Uint16Array(nodes.length).fill(this.#codeOf(elsewhere));
    order.nodes.forEach(({ index }, i) => {
      codes[placeOf(index)] = this.#codes[i] as number;
    });
    return codes;
  }

  #refusedForAll(pod: PodInfo, refused: Refused): Diagnosis {
    const { nodes } = this.#order;
    const codes = new Uint16Array(nodes.length).fill(this.#codeOf(refused));
    const search = { nodes, codes, table: this.#table, start: 0, looked: nodes.length, found: 0 };
    this.#options.recorder?.searched(pod, search, []);
    return new Diagnosis(search, refused);
  }

  #diagnosed(pod: PodInfo, codes: Uint16Array, start = 0): Diagnosis {
    const { nodes } = this.#order;
    const table = this.#table;
    const search = { nodes, codes, table, start, looked: nodes.length, found: 0 };
    this.#options.recorder?.searched(pod, search, this.#namedFilters);
    return new Diagnosis(search);
  }

  #record(pod: PodInfo, order: NodeOrder, start: number, looked: number, found: number): void {
    const { recorder } = this.#options;
    if (!recorder) return;
    const codes = found < looked ? this.#codes.slice(0, order.nodes.length) : undefined;
    const search = { nodes: order.nodes, codes, table: this.#table, start, looked, found };
    recorder.searched(pod, search, this.#namedFilters);
  }

  /** At hand for those that were found last. */
  #indicesOf(nodes: readonly NodeState[]): Int32Array {
    if (nodes === this.#found) return this.#foundIndices;
    // Of nodes that were found a while ago. A loop: `from` goes by an iterator, ten times slower.
    const { length } = nodes;
    if (this.#elsewhereIndices.length < length) this.#elsewhereIndices = new Int32Array(2 * length);
    const indices = this.#elsewhereIndices;
    for (let i = 0; i < length; i++) indices[i] = (nodes[i] as NodeState).index;
    return indices;
  }

  /** The place of the largest; among equals one draw decides, since a source may be slow. */
  #best(totals: Float64Array): number {
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
    let skip = ties > 1 ? this.#options.random.integer(ties) : 0;
    let chosen = 0;
    for (; totals[chosen] !== best || skip-- > 0; chosen++);
    return chosen;
  }
}

export interface CycleOptions {
  readonly profile: Profile;
  readonly cache: Cache;
  readonly random: Random;
  /** 0 or absent: adaptive. */
  readonly percentageOfNodesToScore?: number;
  readonly nominations?: Nominations;
  readonly recorder?: AttemptRecorder;
  /** Asks every plugin about every node, one by one, and keeps nothing: what the rest must equal. */
  readonly plain?: boolean;
  /** A plugin failed that declares `onFailure: 'ignore'`. */
  onIgnored(failure: PluginFailure, pod: PodInfo): void;
}

export type Found = readonly NodeState[] | Diagnosis;

/** Scores that came from elsewhere. */
export interface ExtraScores {
  addTo(totals: Float64Array, recorder: AttemptRecorder | undefined): void;
}

interface Chunk {
  readonly at: number;
  readonly chunk: number;
  readonly wanted: number;
  /** No pod is nominated anywhere. */
  readonly uncontested: boolean;
}

/** When few more nodes are wanted and few fit, asking one at a time would cost more. */
const CHUNK_MIN = 16;

/** Upstream's numFeasibleNodesToFind. */
export function feasibleNodesToFind(nodeCount: number, percentage = 0): number {
  if (nodeCount < FEASIBLE_NODES_MIN || percentage >= 100) return nodeCount;
  const adaptive = Math.max(FEASIBLE_PERCENT_MIN, 50 - Math.trunc(nodeCount / 125));
  const count = Math.trunc((nodeCount * (percentage || adaptive)) / 100);
  return Math.max(FEASIBLE_NODES_MIN, count);
}
