import type { PodInfo, Refusal, Verdict } from 'kernetes/sdk';
import { SHAPES_MAX } from './limits.ts';

/**
 * What the cacheable plugins said about pods of one shape, node by node, each with the generation
 * of the node it is about: valid as long as the node has not changed. A pod of a known shape then
 * costs a comparison per node; only nodes that changed (mostly the one that took the last pod) are
 * asked about again, so placements are the same as without.
 */
export class ShapeResults {
  /** By node index. 0: never. */
  filteredAt: Float64Array;
  /** By node index. Undefined: all agreed. */
  readonly refusals: (Refused | undefined)[] = [];
  scoredAt: Float64Array;
  /** By place among the cacheable scores, then by node index. */
  readonly scores: Float64Array[];
  /** By place among the filters, what preFilter left: `skip`, or the state. */
  preFiltered: readonly PreFiltered[] | undefined = undefined;
  preScored: readonly PreFiltered[] | undefined = undefined;

  constructor(capacity: number, scoreCount: number) {
    this.filteredAt = new Float64Array(capacity);
    this.scoredAt = new Float64Array(capacity);
    this.scores = Array.from({ length: scoreCount }, () => new Float64Array(capacity));
  }

  /** Makes room for nodes up to `indexEnd`. */
  grow(indexEnd: number): void {
    if (indexEnd <= this.filteredAt.length) return;
    const capacity = Math.max(indexEnd, 2 * this.filteredAt.length);
    this.filteredAt = enlarged(this.filteredAt, capacity);
    this.scoredAt = enlarged(this.scoredAt, capacity);
    for (let i = 0; i < this.scores.length; i++) {
      this.scores[i] = enlarged(this.scores[i] as Float64Array, capacity);
    }
  }
}

export interface Refused {
  readonly plugin: string;
  readonly refusal: Refusal;
}

export interface PreFiltered {
  readonly verdict: Verdict | undefined;
  readonly state: unknown;
}

/** The results of the shapes in use; the one unused longest goes first. */
export class ShapeCache {
  readonly #scoreCount: number;
  readonly #results = new Map<string, ShapeResults>();

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
    results = this.#recycled(indexEnd);
    this.#results.set(shape, results);
    return results;
  }

  /** When full, the oldest's arrays serve the newcomer: pods all unlike do not feed the collector. */
  #recycled(indexEnd: number): ShapeResults {
    if (this.#results.size < SHAPES_MAX) return new ShapeResults(indexEnd, this.#scoreCount);
    const [oldest, results] = this.#results.entries().next().value as [string, ShapeResults];
    this.#results.delete(oldest);
    results.filteredAt.fill(0);
    results.scoredAt.fill(0);
    results.preFiltered = undefined;
    results.preScored = undefined;
    results.grow(indexEnd);
    return results;
  }
}

function enlarged(array: Float64Array, length: number): Float64Array {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}
