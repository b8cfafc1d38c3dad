import type { EvaluateResult } from './scheduler-remote.ts';
import type { Verdict } from './scheduler-verdict.ts';

/** What a plugin says about a batch, as it is put together. */
export class Answer {
  readonly #verdicts: Uint16Array;
  readonly scores: Float64Array;
  readonly #refusals: Verdict[] = [];
  readonly #errors: { pod: number; message: string }[] = [];
  /** Most plugins give the same object again. */
  readonly #known = new Map<Verdict, number>();
  readonly #places = new Map<string, number>();

  constructor(length: number) {
    this.#verdicts = new Uint16Array(length);
    this.scores = new Float64Array(length);
  }

  refuse(at: number, refusal: Verdict): void {
    this.#verdicts[at] = this.#known.get(refusal) ?? this.#placeOf(refusal);
  }

  fail(pod: number, error: unknown, offsets: Int32Array): void {
    this.scores.fill(0, offsets[pod], offsets[pod + 1]);
    this.#verdicts.fill(0, offsets[pod], offsets[pod + 1]);
    this.#errors.push({ pod, message: error instanceof Error ? error.message : String(error) });
  }

  result(scored: boolean): EvaluateResult {
    return {
      verdicts: this.#refusals.length > 0 ? this.#verdicts : NO_VERDICTS,
      refusals: this.#refusals,
      scores: scored ? compact(this.scores) : NO_SCORES,
      errors: this.#errors,
    };
  }

  #placeOf(refusal: Verdict): number {
    const text = JSON.stringify(refusal);
    let place = this.#places.get(text);
    if (place === undefined) {
      if (this.#refusals.length === REFUSALS_MAX) {
        throw new Error(`Cannot tell more than ${REFUSALS_MAX} different refusals at once`);
      }
      place = this.#refusals.push(refusal);
      this.#places.set(text, place);
    }
    if (this.#known.size < REFUSALS_MAX) this.#known.set(refusal, place);
    return place;
  }
}

const NO_VERDICTS = new Uint16Array(0);
const NO_SCORES = new Uint8Array(0);

/** Most scores are whole numbers. */
function compact(scores: Float64Array): Uint8Array | Float64Array {
  const bytes = new Uint8Array(scores);
  for (let i = 0; i < scores.length; i++) if (bytes[i] !== scores[i]) return scores;
  return bytes;
}

/** Refusals with different words in one answer: those of each node by its name still fit. */
const REFUSALS_MAX = 65_000;
