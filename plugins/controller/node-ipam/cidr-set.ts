import type { Cidr } from 'kernetes/sdk';

/**
 * Ranges of one size out of a larger one. It goes round, so that one given back rests as long as
 * possible. What is occupied twice has to be released twice.
 */
export class CidrSet {
  /** How many there are. */
  readonly size: number;
  readonly #range: Cidr;
  readonly #prefix: number;
  /** Number of a range -> how often it is occupied. */
  readonly #taken = new Map<number, number>();
  #next = 0;

  /** Throws where the sizes do not go together. */
  constructor(range: Cidr, prefix: number) {
    const bits = prefix - range.prefix;
    if (bits < 0 || prefix > range.bits || bits > BITS_MAX) {
      throw new Error(
        `Cannot divide a /${range.prefix} into ranges of /${prefix}: want a longer prefix, ` +
          `by ${BITS_MAX} bits at most`,
      );
    }
    this.#range = range;
    this.#prefix = prefix;
    this.size = 2 ** bits;
  }

  /** Undefined when all are taken. */
  take(): Cidr | undefined {
    if (this.#taken.size >= this.size) return undefined;
    while (this.#taken.has(this.#next)) this.#advance();
    const number = this.#next;
    this.#taken.set(number, 1);
    this.#advance();
    const base = this.#range.base + (BigInt(number) << this.#shift);
    return { base, prefix: this.#prefix, bits: this.#range.bits };
  }

  /** All that have an address in common with it; false: none has. */
  occupy(cidr: Cidr): boolean {
    const numbers = this.#numbersOf(cidr);
    for (const number of numbers) this.#taken.set(number, (this.#taken.get(number) ?? 0) + 1);
    return numbers.length > 0;
  }

  release(cidr: Cidr): void {
    for (const number of this.#numbersOf(cidr)) {
      const count = (this.#taken.get(number) ?? 0) - 1;
      if (count > 0) this.#taken.set(number, count);
      else this.#taken.delete(number);
    }
  }

  #numbersOf({ base, prefix, bits }: Cidr): number[] {
    if (bits !== this.#range.bits) return [];
    const last = base + (1n << BigInt(bits - prefix)) - 1n;
    const numberOf = (ip: bigint) => Number((ip - this.#range.base) >> this.#shift);
    const from = Math.max(0, numberOf(base));
    const to = Math.min(this.size - 1, numberOf(last));
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  }

  get #shift(): bigint {
    return BigInt(this.#range.bits - this.#prefix);
  }

  #advance(): void {
    this.#next = (this.#next + 1) % this.size;
  }
}

/** Four million nodes: what is remembered of them fits in memory. */
const BITS_MAX = 22;
