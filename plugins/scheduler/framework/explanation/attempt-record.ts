import type { AttemptExplanation, NodeInfo, PodExplanation, PodInfo } from 'kernetes/sdk';
import type { KeptScore } from '../cycle/shape-results.ts';
import type { Refused } from '../cycle/verdict-table.ts';
import { RECORDED_ATTEMPTS_MAX, RECORDED_PODS_MAX } from '../limits.ts';
import type { EnabledPlugin } from '../profile/profile.ts';
import type { WaitingPod } from '../queue/waiting-pods.ts';
import { Attempt, type Column, nodesOf, type Scores, type Search } from './attempt.ts';
import { ScoreRings } from './score-rings.ts';

/**
 * What happened in the last attempts to place pods, for those who ask. Written on the way of every
 * pod, so it copies numbers and makes texts only when asked: verdicts are two bytes a node and kept
 * only where somebody refused; scores of feasible nodes go into rings of numbers, columns that are
 * the same for all nodes as one number, and sums are not kept, since they follow. What a ring
 * overwrites is forgotten, except for pods that are still to be placed: their scores are taken out.
 */
export class AttemptRecorder {
  /** The last one of each pod. */
  readonly #pods = new Map<string, Attempt>();
  /** Placed ones, the oldest first. */
  readonly #placed = new Set<string>();
  readonly #options: RecorderOptions;
  readonly #rings = new ScoreRings();
  /** Others without an outcome yet, by pod: plugins may be making room meanwhile. */
  readonly #open = new Map<string, Attempt>();
  /** Has no outcome yet. */
  #current: Attempt | undefined;
  readonly #unused: Attempt[] = [];
  /** Attempts with the same filters share their list. */
  #filters: readonly string[] = [];

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** A search begins; `search` is what it will have found. */
  searched(pod: PodInfo, search: Search, filters: readonly EnabledPlugin[]): void {
    this.#putAside(pod);
    const attempt = this.#current ?? this.#newAttempt(pod);
    attempt.reset(pod);
    attempt.search = search;
    attempt.filters = this.#namesOf(filters);
    this.#current = attempt;
  }

  /** What plugins in other threads refused of the nodes that the search found. */
  refusedElsewhere(pod: PodInfo, others: ReadonlyMap<NodeInfo, Refused>): void {
    const attempt = this.#openOf(pod);
    const { search } = attempt;
    if (!search) return;
    const codes = search.codes?.slice() ?? new Uint16Array(search.nodes.length);
    for (let i = 0; i < search.nodes.length; i++) {
      const other = others.get(search.nodes[i] as NodeInfo);
      if (other) codes[i] = search.table.codeOf(other.plugin, other.refusal);
    }
    attempt.search = { ...search, codes, found: search.found - others.size };
  }

  /** The columns come now, one by one, each with a number per node of `feasible`. */
  scoring(pod: PodInfo, feasible: readonly NodeInfo[], indices: Int32Array): void {
    const attempt = this.#openOf(pod);
    attempt.count = feasible.length;
    // Lists that outlive their pod are work for the collector: mostly the search tells the same.
    attempt.feasible = attempt.search?.found === feasible.length ? undefined : feasible;
    attempt.columnCount = 0;
    this.#indices = indices;
    this.#count = feasible.length;
  }
  #indices: Int32Array = new Int32Array(0);
  #count = 0;

  /** Scores that need no normalizing, by node index. */
  kept(enabled: EnabledPlugin, { common, values }: KeptScore): void {
    if (common !== undefined) {
      this.common(enabled, common, common);
      return;
    }
    const place = this.#rings.keepAt(values, this.#indices, this.#count);
    if (place >= 0) this.#column(enabled, place, place);
  }

  /** The same for all nodes. */
  common(enabled: EnabledPlugin, raw: number, normalized: number): void {
    const column = this.#column(enabled, -1, -1);
    if (!column) return;
    column.commonRaw = raw;
    column.commonNormalized = normalized;
  }

  raw(enabled: EnabledPlugin, scores: Float64Array): void {
    const place = this.#rings.keep(scores);
    if (place >= 0) this.#column(enabled, place, place);
    this.#isNormalized = place >= 0 && enabled.plugin.normalize !== undefined;
  }
  #isNormalized = false;

  /** Of the plugin whose raw ones came last. */
  normalized(scores: Float64Array): void {
    const attempt = this.#current;
    if (!this.#isNormalized || !attempt) return;
    const column = attempt.columns[attempt.columnCount - 1];
    const place = this.#rings.keep(scores);
    if (column && place >= 0) column.normalized = place;
  }

  placed(pod: PodInfo, number: number, nodeName: string): void {
    const attempt = this.#finish(pod, number);
    attempt.outcome = 'scheduled';
    attempt.nodeName = nodeName;
    this.#placed.delete(pod.key);
    this.#placed.add(pod.key);
    if (this.#placed.size <= RECORDED_PODS_MAX) return;
    for (const oldest of this.#placed) {
      this.forget(oldest);
      break;
    }
  }

  /** Refused or failed: by the search, or after a node was chosen. */
  failed(pod: PodInfo, number: number, outcome: 'unschedulable' | 'error', message: string): void {
    const last = this.#pods.get(pod.key);
    const isKnown = last?.number === number && last.pod.uid === pod.uid;
    const attempt = isKnown ? last : this.#finish(pod, number);
    attempt.outcome = outcome;
    attempt.message = message;
    this.#placed.delete(pod.key);
    this.#keepScores(attempt);
  }

  /** The pod is gone. */
  forget(key: string): void {
    this.#placed.delete(key);
    this.#drop(this.#pods.get(key));
    this.#pods.delete(key);
    this.#open.delete(key);
    if (this.#current?.pod.key === key) this.#current = undefined;
  }

  /** `withNodes`: also what was said about each node. */
  explanationOf(key: string, withNodes = true): PodExplanation | undefined {
    const attempts: Attempt[] = [];
    for (let each = this.#pods.get(key); each; each = each.before) attempts.unshift(each);
    const status = this.#options.statusOf(key);
    const pod = attempts[0]?.pod ?? status?.pod;
    if (!pod) return undefined;
    return {
      namespace: pod.namespace,
      name: pod.name,
      uid: pod.uid,
      schedulerName: pod.spec.schedulerName || 'default-scheduler',
      state: status?.state ?? 'scheduled',
      waitsFor: status?.waitsFor ?? [],
      attempts: attempts.map(attempt => this.#explain(attempt, withNodes)),
    };
  }

  get keys(): Iterable<string> {
    return this.#pods.keys();
  }

  #finish(pod: PodInfo, number: number): Attempt {
    const attempt = this.#openOf(pod);
    this.#current = undefined;
    attempt.number = number;
    attempt.at = this.#options.now();
    const last = this.#pods.get(pod.key);
    if (last?.pod.uid === pod.uid) attempt.before = last;
    else this.#drop(last);
    this.#pods.set(pod.key, attempt);
    let oldest: Attempt | undefined = attempt;
    for (let i = 1; oldest && i < RECORDED_ATTEMPTS_MAX; i++) oldest = oldest.before;
    if (oldest) oldest.before = this.#drop(oldest.before);
    return attempt;
  }

  /** Makes the pod's attempt that has no outcome yet the current one. */
  #openOf(pod: PodInfo): Attempt {
    this.#putAside(pod);
    this.#current ??= this.#newAttempt(pod);
    return this.#current;
  }

  #putAside(pod: PodInfo): void {
    const current = this.#current;
    if (current?.pod.uid === pod.uid && current.pod.key === pod.key) return;
    if (current) this.#open.set(current.pod.key, current);
    this.#current = undefined;
    if (this.#open.size === 0) return;
    const open = this.#open.get(pod.key);
    this.#open.delete(pod.key);
    if (open?.pod.uid === pod.uid) this.#current = open;
  }

  #newAttempt(pod: PodInfo): Attempt {
    const attempt = this.#unused.pop()?.reset(pod) ?? new Attempt(pod);
    attempt.filters = [];
    return attempt;
  }

  /** It and those before it are not told of any more. */
  #drop(attempt: Attempt | undefined): undefined {
    for (let each = attempt; each; each = each.before) {
      if (this.#unused.length < RECORDED_PODS_MAX) this.#unused.push(each);
    }
  }

  #namesOf(filters: readonly EnabledPlugin[]): readonly string[] {
    const known = this.#filters;
    let count = 0;
    let alike = true;
    for (const { name, skipsFilter } of filters) {
      if (!skipsFilter) alike = known[count++] === name && alike;
    }
    if (alike && count === known.length) return known;
    this.#filters = filters.filter(each => !each.skipsFilter).map(({ name }) => name);
    return this.#filters;
  }

  #column({ name, weight }: EnabledPlugin, raw: number, normalized: number): Column | undefined {
    const column = this.#current?.addColumn(name, weight);
    if (!column) return undefined;
    column.raw = raw;
    column.normalized = normalized;
    return column;
  }

  /** Takes the scores of a pod that waits out of the ring. */
  #keepScores(attempt: Attempt): void {
    if (attempt.columnCount === 0 || attempt.scores) return;
    attempt.scores = this.#scoresOf(attempt);
  }

  /** Undefined: overwritten since. */
  #scoresOf({ filledColumns: columns, count, scores }: Attempt): Scores | undefined {
    if (scores) return scores;
    const numbers = (place: number, common: number) =>
      place < 0 ? new Float64Array(count).fill(common) : this.#rings.read(place, count);
    const raw: Float64Array[] = [];
    const normalized: Float64Array[] = [];
    for (const column of columns) {
      const before = numbers(column.raw, column.commonRaw);
      const after = numbers(column.normalized, column.commonNormalized);
      if (!before || !after) return undefined;
      raw.push(before);
      normalized.push(after);
    }
    return { raw, normalized };
  }

  #explain(attempt: Attempt, withNodes: boolean): AttemptExplanation {
    const { number, at, outcome, nodeName, message, filters, filledColumns: columns } = attempt;
    const scores = this.#scoresOf(attempt);
    return {
      number,
      time: new Date(at).toISOString().replace('Z', '000Z'),
      outcome,
      ...(nodeName !== undefined && { nodeName }),
      ...(message !== undefined && { message }),
      filters,
      scores: scores ? columns.map(({ plugin, weight }) => ({ plugin, weight })) : [],
      nodes: withNodes ? nodesOf(attempt, scores) : [],
    };
  }
}

export interface RecorderOptions {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Where a pod is; undefined when the queue does not know it. */
  statusOf(
    key: string,
  ): (Pick<PodExplanation, 'state' | 'waitsFor'> & { readonly pod: PodInfo }) | undefined;
}

/** What the queue knows of a pod, in the words of explanations. */
export function statusOf(waiting: WaitingPod | undefined): ReturnType<RecorderOptions['statusOf']> {
  if (!waiting) return undefined;
  const { pod, place, refusedBy } = waiting;
  return { pod, state: place === 'scheduling' ? 'binding' : place, waitsFor: [...refusedBy] };
}
