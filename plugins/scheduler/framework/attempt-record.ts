import type { AttemptExplanation, NodeInfo, PodExplanation, PodInfo } from 'kernetes/sdk';
import {
  Attempt,
  type Column,
  nodeNameOf,
  nodesOf,
  type Outcome,
  type Scores,
  type Search,
} from './attempt.ts';
import { RECORD_CELLS_MAX, RECORDED_ATTEMPTS_MAX, RECORDED_PODS_MAX } from './limits.ts';
import type { EnabledPlugin } from './profile.ts';
import type { KeptScore } from './shape-results.ts';
import type { Refused } from './verdict-table.ts';
import type { WaitingPod } from './waiting-pods.ts';

/**
 * What happened in the last attempts to place pods, for those who ask. Written on the way of every
 * pod, so it copies numbers and makes texts only when asked: verdicts are two bytes a node and kept
 * only where somebody refused; scores of feasible nodes go into one ring of numbers, columns that
 * are the same for all nodes as one number, and sums are not kept, since they follow. What the ring
 * overwrites is forgotten, except for pods that are still to be placed: their scores are taken out.
 */
export class AttemptRecorder {
  readonly #pods = new Map<string, PodRecord>();
  /** Placed ones, the oldest first. */
  readonly #placed = new Set<string>();
  readonly #options: RecorderOptions;
  readonly #cells: Float64Array;
  /** Cells written in all; a cell's place is this modulo their number. */
  #written = 0;
  /** Those without an outcome yet, by pod: plugins may be making room meanwhile. */
  readonly #open = new Map<string, Attempt>();
  #current: Attempt | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#cells = new Float64Array(options.cellsMax ?? RECORD_CELLS_MAX);
  }

  /** A search begins; `search` is what it will have found. */
  searched(pod: PodInfo, search: Search, filters: readonly EnabledPlugin[]): void {
    const names: string[] = [];
    for (const { name, skipsFilter } of filters) if (!skipsFilter) names.push(name);
    this.#current = new Attempt(pod, search, names);
    this.#open.set(pod.key, this.#current);
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
    this.#current = attempt;
    attempt.count = feasible.length;
    // Lists that outlive their pod are work for the collector: mostly the search tells the same.
    attempt.feasible = attempt.search?.found === feasible.length ? undefined : feasible;
    attempt.columns.length = 0;
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
    const at = this.#reserve(this.#count);
    if (at < 0) return;
    const cells = this.#cells;
    const indices = this.#indices;
    for (let i = 0; i < this.#count; i++) cells[at + i] = values[indices[i] as number] as number;
    const from = this.#written - this.#count;
    this.#column(enabled, { raw: from, normalized: from });
  }

  /** The same for all nodes. */
  common(enabled: EnabledPlugin, raw: number, normalized: number): void {
    this.#column(enabled, { raw: -1, normalized: -1, common: { raw, normalized } });
  }

  raw(enabled: EnabledPlugin, scores: Float64Array): void {
    const from = this.#copy(scores);
    if (from >= 0) this.#column(enabled, { raw: from, normalized: from });
    this.#isNormalized = from >= 0 && enabled.plugin.normalize !== undefined;
  }
  #isNormalized = false;

  /** Of the plugin whose raw ones came last. */
  normalized(scores: Float64Array): void {
    if (!this.#isNormalized) return;
    const column = this.#current?.columns.at(-1);
    const from = this.#copy(scores);
    if (column && from >= 0) column.normalized = from;
  }

  placed(pod: PodInfo, number: number, nodeName: string): void {
    this.#finish(pod, number, { outcome: 'scheduled', nodeName });
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
    const last = this.#pods.get(pod.key)?.attempts.at(-1);
    const known = last?.number === number && last.pod.uid === pod.uid ? last : undefined;
    if (known) known.outcome = { outcome, message, ...nodeNameOf(known) };
    else this.#finish(pod, number, { outcome, message });
    this.#placed.delete(pod.key);
    const attempt = this.#pods.get(pod.key)?.attempts.at(-1);
    if (attempt) this.#keepScores(attempt);
  }

  /** The pod is gone. */
  forget(key: string): void {
    this.#placed.delete(key);
    this.#pods.delete(key);
    this.#open.delete(key);
  }

  /** `withNodes`: also what was said about each node. */
  explanationOf(key: string, withNodes = true): PodExplanation | undefined {
    const record = this.#pods.get(key);
    const status = this.#options.statusOf(key);
    const pod = record?.attempts.at(-1)?.pod ?? status?.pod;
    if (!pod) return undefined;
    return {
      namespace: pod.namespace,
      name: pod.name,
      uid: pod.uid,
      schedulerName: pod.spec.schedulerName || 'default-scheduler',
      state: status?.state ?? 'scheduled',
      waitsFor: status?.waitsFor ?? [],
      attempts: record?.attempts.map(attempt => this.#explain(attempt, withNodes)) ?? [],
    };
  }

  get keys(): Iterable<string> {
    return this.#pods.keys();
  }

  #finish(pod: PodInfo, number: number, outcome: Outcome): void {
    const attempt = this.#openOf(pod);
    this.#open.delete(pod.key);
    this.#current = undefined;
    attempt.number = number;
    attempt.at = this.#options.now();
    attempt.outcome = outcome;
    const record = this.#pods.get(pod.key);
    if (record?.uid === pod.uid) {
      record.attempts.push(attempt);
      if (record.attempts.length > RECORDED_ATTEMPTS_MAX) record.attempts.shift();
    } else {
      this.#pods.set(pod.key, { uid: pod.uid, attempts: [attempt] });
    }
  }

  #openOf(pod: PodInfo): Attempt {
    let attempt = this.#open.get(pod.key);
    if (attempt?.pod.uid !== pod.uid) {
      attempt = new Attempt(pod, undefined, []);
      this.#open.set(pod.key, attempt);
    }
    return attempt;
  }

  #column(enabled: EnabledPlugin, column: Omit<Column, 'plugin' | 'weight'>): void {
    const { name, weight } = enabled;
    this.#current?.columns.push({ plugin: name, weight, ...column });
  }

  /** Room for so many cells side by side; -1 when there cannot be. */
  #reserve(count: number): number {
    const { length } = this.#cells;
    if (count > length) return -1;
    let at = this.#written % length;
    if (at + count > length) {
      this.#written += length - at;
      at = 0;
    }
    this.#written += count;
    return at;
  }

  #copy(scores: Float64Array): number {
    const at = this.#reserve(scores.length);
    if (at < 0) return -1;
    this.#cells.set(scores, at);
    return this.#written - scores.length;
  }

  /** Takes the scores of a pod that waits out of the ring. */
  #keepScores(attempt: Attempt): void {
    if (attempt.columns.length === 0 || attempt.scores) return;
    attempt.scores = this.#scoresOf(attempt);
  }

  /** Undefined: overwritten since. */
  #scoresOf({ columns, count, scores }: Attempt): Scores | undefined {
    if (scores) return scores;
    const { length } = this.#cells;
    const numbers = (from: number, common: number | undefined) => {
      if (from < 0) return new Float64Array(count).fill(common ?? 0);
      if (from < this.#written - length) return undefined;
      return this.#cells.slice(from % length, (from % length) + count);
    };
    const raw: Float64Array[] = [];
    const normalized: Float64Array[] = [];
    for (const column of columns) {
      const before = numbers(column.raw, column.common?.raw);
      const after = numbers(column.normalized, column.common?.normalized);
      if (!before || !after) return undefined;
      raw.push(before);
      normalized.push(after);
    }
    return { raw, normalized };
  }

  #explain(attempt: Attempt, withNodes: boolean): AttemptExplanation {
    const { number, at, outcome, filters, columns } = attempt;
    const scores = this.#scoresOf(attempt);
    return {
      number,
      time: new Date(at).toISOString().replace('Z', '000Z'),
      ...outcome,
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
  readonly cellsMax?: number;
}

/** What the queue knows of a pod, in the words of explanations. */
export function statusOf(waiting: WaitingPod | undefined): ReturnType<RecorderOptions['statusOf']> {
  if (!waiting) return undefined;
  const { pod, place, refusedBy } = waiting;
  return { pod, state: place === 'scheduling' ? 'binding' : place, waitsFor: [...refusedBy] };
}

interface PodRecord {
  readonly uid: string;
  readonly attempts: Attempt[];
}
