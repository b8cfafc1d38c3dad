import { type EvaluateResult, isRefusal, type NodeState, type Refusal } from 'kernetes/sdk';
import type { Asked } from './remote-plugin.ts';

/** What a plugin in another thread said about the pods of one batch. */
export interface Answer {
  /** What the plugin threw on pod `i`. */
  errorOf(i: number): string | undefined;
  /** What it has against the `k`th node of pod `i`. */
  refusalOf(i: number, k: number): Refusal | undefined;
  /** Whether it refused anything at all about pod `i`. */
  refuses(i: number): boolean;
  /** Puts the scores of pod `i` into `scores`, for each of its nodes. */
  readScores(i: number, scores: Float64Array): void;
}

/** Each pair of pod and node was asked about in this batch. */
export class DirectAnswer implements Answer {
  readonly #result: EvaluateResult;
  readonly #offsets: Int32Array;
  readonly #errors: ReadonlyMap<number, string>;

  constructor(result: EvaluateResult, offsets: Int32Array) {
    this.#result = result;
    this.#offsets = offsets;
    this.#errors = new Map(result.errors.map(({ pod, message }) => [pod, message]));
  }

  errorOf(i: number): string | undefined {
    return this.#errors.get(i);
  }

  refuses(): boolean {
    return this.#result.refusals.length > 0;
  }

  refusalOf(i: number, k: number): Refusal | undefined {
    return refusalAt(this.#result, (this.#offsets[i] as number) + k);
  }

  readScores(i: number, scores: Float64Array): void {
    const { scores: all } = this.#result;
    const from = this.#offsets[i] as number;
    for (let k = 0; k < scores.length; k++) scores[k] = all[from + k] ?? 0;
  }
}

/** What is known for each pod's shape; a question brought what was missing. */
export class KeptAnswer implements Answer {
  readonly #asked: readonly Asked[];
  readonly #kept: readonly KeptResults[];

  constructor(asked: readonly Asked[], kept: readonly KeptResults[]) {
    this.#asked = asked;
    this.#kept = kept;
  }

  errorOf(i: number): string | undefined {
    return this.#of(i).error;
  }

  refuses(i: number): boolean {
    return this.#of(i).refusalCount > 0;
  }

  refusalOf(i: number, k: number): Refusal | undefined {
    const node = (this.#asked[i] as Asked).nodes[k] as NodeState;
    return this.#of(i).refusals[node.index];
  }

  readScores(i: number, scores: Float64Array): void {
    const { scores: kept } = this.#of(i);
    const { nodes } = this.#asked[i] as Asked;
    for (let k = 0; k < scores.length; k++) {
      scores[k] = kept[(nodes[k] as NodeState).index] as number;
    }
  }

  #of(i: number): KeptResults {
    return this.#kept[i] as KeptResults;
  }
}

/** What a cacheable plugin said about pods of one shape, by node index. */
export class KeptResults {
  /** The node's generation when it was asked about; -1: never. */
  askedAt: Float64Array;
  scores: Float64Array;
  readonly refusals: (Refusal | undefined)[] = [];
  refusalCount = 0;
  /** It failed: nothing of this is worth anything. */
  error: string | undefined = undefined;

  constructor(capacity: number) {
    this.askedAt = new Float64Array(capacity).fill(-1);
    this.scores = new Float64Array(capacity);
  }

  grow(indexEnd: number): void {
    if (indexEnd <= this.askedAt.length) return;
    const capacity = Math.max(indexEnd, 2 * this.askedAt.length);
    const askedAt = new Float64Array(capacity).fill(-1);
    askedAt.set(this.askedAt);
    this.askedAt = askedAt;
    const scores = new Float64Array(capacity);
    scores.set(this.scores);
    this.scores = scores;
  }

  take(index: number, refusal: Refusal | undefined, score: number): void {
    if (this.refusals[index]) this.refusalCount--;
    if (refusal) this.refusalCount++;
    this.refusals[index] = refusal;
    this.scores[index] = score;
  }
}

export function refusalAt({ verdicts, refusals }: EvaluateResult, at: number): Refusal | undefined {
  const place = verdicts[at] ?? 0;
  const refusal = place > 0 ? refusals[place - 1] : undefined;
  return isRefusal(refusal) ? refusal : undefined;
}
