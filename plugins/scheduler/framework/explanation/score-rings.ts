import { RECORD_BYTES_MAX, RECORD_NUMBERS_MAX } from '../limits.ts';

/**
 * Columns of scores one after the other, the oldest overwritten first. Nearly all are whole numbers
 * from 0 to 100 and take a byte each; a column that holds any other takes 8 bytes a number.
 */
export class ScoreRings {
  readonly #bytes = new Uint8Array(RECORD_BYTES_MAX);
  readonly #numbers = new Float64Array(RECORD_NUMBERS_MAX);
  readonly #small = new Ring(RECORD_BYTES_MAX);
  readonly #large = new Ring(RECORD_NUMBERS_MAX);

  /** Keeps the scores of `indices[0 … count - 1]`; gives where, -1: they are too many. */
  keepAt(scores: Float64Array, indices: Int32Array, count: number): number {
    const at = this.#small.reserve(count);
    if (at >= 0 && areSmallAt(this.#bytes, at, scores, indices, count)) {
      return 2 * this.#small.lastOf(count);
    }
    const place = this.#large.reserve(count);
    if (place < 0) return -1;
    for (let i = 0; i < count; i++) {
      this.#numbers[place + i] = scores[indices[i] as number] as number;
    }
    return 2 * this.#large.lastOf(count) + 1;
  }

  /** The same of all `scores`. */
  keep(scores: Float64Array): number {
    const count = scores.length;
    const at = this.#small.reserve(count);
    if (at >= 0 && areSmall(this.#bytes, at, scores)) return 2 * this.#small.lastOf(count);
    const place = this.#large.reserve(count);
    if (place < 0) return -1;
    this.#numbers.set(scores, place);
    return 2 * this.#large.lastOf(count) + 1;
  }

  /** Undefined: overwritten since. */
  read(place: number, count: number): Float64Array | undefined {
    const isSmall = place % 2 === 0;
    const at = (isSmall ? this.#small : this.#large).find(Math.floor(place / 2));
    if (at < 0) return undefined;
    return Float64Array.from((isSmall ? this.#bytes : this.#numbers).subarray(at, at + count));
  }
}

/** Writes bytes; false: one would not be the same. Two loops over known arrays: one for both is slow. */
function areSmall(bytes: Uint8Array, at: number, scores: Float64Array): boolean {
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    const byte = score & 0xff;
    if (byte !== score) return false;
    bytes[at + i] = byte;
  }
  return true;
}

function areSmallAt(
  bytes: Uint8Array,
  at: number,
  scores: Float64Array,
  indices: Int32Array,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) {
    const score = scores[indices[i] as number] as number;
    const byte = score & 0xff;
    if (byte !== score) return false;
    bytes[at + i] = byte;
  }
  return true;
}

/** Where the next column goes. */
class Ring {
  readonly #length: number;
  /** Cells given out in all; a cell's place is this modulo their number. */
  #written = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** Room for a column in one piece; -1: there is none. */
  reserve(count: number): number {
    if (count > this.#length) return -1;
    const at = this.#written % this.#length;
    const skipped = at + count > this.#length ? this.#length - at : 0;
    this.#written += skipped + count;
    return skipped > 0 ? 0 : at;
  }

  /** How the column that was reserved last is found again. */
  lastOf(count: number): number {
    return this.#written - count;
  }

  /** -1: it is overwritten. */
  find(from: number): number {
    return from < this.#written - this.#length ? -1 : from % this.#length;
  }
}
