import type { PodInfo, Verdict } from 'kernetes/sdk';
import { SHAPES_MAX, SHAPES_SEEN_MAX } from '../limits.ts';

export type { Refused } from './verdict-table.ts';

/**
 * What the cacheable plugins said about pods of one shape, node by node, each with the generation
 * of the node it is about: valid as long as the node has not changed. A pod of a known shape then
 * costs a comparison per node; only nodes that changed (mostly the one that took the last pod) are
 * asked about again, so placements are the same as without.
 */
export class ShapeResults {
  /** By node index. 0: never. */
  filteredAt: Float64Array;
  /** By node index, numbers of the cycle's `VerdictTable`; 0: all agreed. */
  refusals: Uint16Array;
  scoredAt: Float64Array;
  /** By place among the cacheable scores. */
  readonly scores: readonly KeptScore[];
  /** By node index: the weighted sum of the scores that need no normalizing. */
  base: Float64Array;
  /** By place among the filters, what preFilter left: `skip`, or the state. */
  preFiltered: readonly PreFiltered[] | undefined = undefined;
  preScored: readonly PreFiltered[] | undefined = undefined;

  constructor(capacity: number, scoreCount: number) {
    this.filteredAt = new Float64Array(capacity);
    this.refusals = new Uint16Array(capacity);
    this.scoredAt = new Float64Array(capacity);
    this.base = new Float64Array(capacity);
    this.scores = Array.from({ length: scoreCount }, () => new KeptScore(capacity));
  }

  clear(): void {
    this.filteredAt.fill(0);
    this.scoredAt.fill(0);
    this.preFiltered = undefined;
    this.preScored = undefined;
    for (const score of this.scores) score.clear();
  }

  /** Makes room for nodes up to `indexEnd`. */
  grow(indexEnd: number): void {
    if (indexEnd <= this.filteredAt.length) return;
    const capacity = Math.max(indexEnd, 2 * this.filteredAt.length);
    const refusals = new Uint16Array(capacity);
    refusals.set(this.refusals);
    this.refusals = refusals;
    this.filteredAt = enlarged(this.filteredAt, capacity);
    this.scoredAt = enlarged(this.scoredAt, capacity);
    this.base = enlarged(this.base, capacity);
    for (const score of this.scores) score.values = enlarged(score.values, capacity);
  }
}

/**
 * One plugin's raw scores. Mostly they are all the same (no node has such a taint, no image is
 * there): then what `normalize` makes of them is the same number for each node, and worked out once
 * for a count of nodes instead of once a pod.
 */
export class KeptScore {
  /** By node index. */
  values: Float64Array;
  /** Undefined: none yet. NaN: they differ. */
  #common: number | undefined = undefined;
  #normalizedCount = 0;
  #normalized = 0;

  constructor(capacity: number) {
    this.values = new Float64Array(capacity);
  }

  clear(): void {
    this.#common = undefined;
    this.#normalizedCount = 0;
  }

  /** Takes over the scores of the first `count` of `indices`, which are by place. */
  set(indices: Int32Array, count: number, scores: Float64Array): void {
    const { values } = this;
    const common = this.#common ?? (scores[0] as number);
    let differ = Number.isNaN(common);
    for (let i = 0; i < count; i++) {
      const score = scores[i] as number;
      values[indices[i] as number] = score;
      if (score !== common) differ = true;
    }
    if (differ || this.#common === undefined) this.#normalizedCount = 0;
    this.#common = differ ? Number.NaN : common;
  }

  /** The one score of all nodes. */
  get common(): number | undefined {
    return Number.isNaN(this.#common) ? undefined : this.#common;
  }

  /** What the common score of `scratch.length` nodes becomes; undefined: not one number for all. */
  normalizedCommon(
    scratch: Float64Array,
    normalize: (scores: Float64Array) => void,
  ): number | undefined {
    const { common } = this;
    if (common === undefined) return undefined;
    if (this.#normalizedCount !== scratch.length) {
      normalize(scratch.fill(common));
      this.#normalizedCount = scratch.length;
      this.#normalized = scratch[0] as number;
      for (let i = 1; i < scratch.length; i++) {
        if (scratch[i] !== this.#normalized) this.#normalized = Number.NaN;
      }
    }
    return Number.isNaN(this.#normalized) ? undefined : this.#normalized;
  }
}

export interface PreFiltered {
  readonly verdict: Verdict | undefined;
  readonly state: unknown;
}

/**
 * The results of the shapes in use; the one unused longest goes first. A shape gets a place of its
 * own when it comes a second time: until then one place serves all newcomers, so that pods all
 * unlike neither drive out the others nor go through more memory than a processor's cache has.
 */
export class ShapeCache {
  readonly #scoreCount: number;
  readonly #results = new Map<string, ShapeResults>();
  readonly #seen = new Set<string>();
  #newcomer: ShapeResults | undefined;
  #newcomerShape: string | undefined;

  constructor(scoreCount: number) {
    this.#scoreCount = scoreCount;
  }

  get({ shape }: PodInfo, indexEnd: number): ShapeResults {
    let results = this.#results.get(shape);
    if (results) {
      if (this.#results.size > 1) {
        this.#results.delete(shape);
        this.#results.set(shape, results);
      }
      results.grow(indexEnd);
      return results;
    }
    if (this.#newcomer && shape === this.#newcomerShape) {
      results = this.#newcomer;
      this.#newcomer = undefined;
      if (this.#results.size >= SHAPES_MAX) this.#newcomer = this.#oldest();
      this.#newcomerShape = undefined;
      results.grow(indexEnd);
    } else if (this.#seen.has(shape)) {
      results = this.#recycled(indexEnd);
    } else {
      return this.#welcome(shape, indexEnd);
    }
    this.#seen.delete(shape);
    this.#results.set(shape, results);
    return results;
  }

  #welcome(shape: string, indexEnd: number): ShapeResults {
    this.#seen.add(shape);
    if (this.#seen.size > SHAPES_SEEN_MAX) {
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest);
        break;
      }
    }
    const results = this.#newcomer ?? new ShapeResults(indexEnd, this.#scoreCount);
    results.clear();
    results.grow(indexEnd);
    this.#newcomer = results;
    this.#newcomerShape = shape;
    return results;
  }

  #oldest(): ShapeResults {
    const [shape, results] = this.#results.entries().next().value as [string, ShapeResults];
    this.#results.delete(shape);
    return results;
  }

  /** When full, the oldest's arrays serve again: they do not feed the collector. */
  #recycled(indexEnd: number): ShapeResults {
    if (this.#results.size < SHAPES_MAX) return new ShapeResults(indexEnd, this.#scoreCount);
    const results = this.#oldest();
    results.clear();
    results.grow(indexEnd);
    return results;
  }
}

function enlarged(array: Float64Array, length: number): Float64Array {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
