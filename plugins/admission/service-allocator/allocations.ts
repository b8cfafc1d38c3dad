import type { Random } from 'kernetes/sdk';

export interface Range {
  readonly first: number;
  readonly count: number;
  /** So many from the first on are only taken at random when the others are gone. */
  readonly bandCount: number;
  /** Never taken at random. */
  readonly kept: ReadonlySet<number>;
}

/** What stands for one request; only its identity counts. */
export type Claim = object;

interface Holder {
  readonly owner: string;
  /** The request that reserved it, until what it wrote was seen. */
  readonly claim: Claim | undefined;
}

/** Numbers of a range and who has them. Memory is proportional to what is taken. */
export class Allocations {
  readonly #range: Range;
  readonly #random: Random;
  readonly #holders = new Map<number, Holder>();
  readonly #claimed = new WeakMap<Claim, number[]>();

  constructor(range: Range, random: Random) {
    this.#range = range;
    this.#random = random;
  }

  /** Takes this number. A second time for the same claim it is the claim's already. */
  reserve(number: number, owner: string, claim: Claim): 'reserved' | 'taken' | 'outside' {
    const { first, count } = this.#range;
    if (!(number >= first && number < first + count)) return 'outside';
    const holder = this.#holders.get(number);
    if (holder !== undefined) return holder.claim === claim ? 'reserved' : 'taken';
    this.#hold(number, owner, claim);
    return 'reserved';
  }

  /** Takes any number; undefined when all are taken. */
  take(owner: string, claim: Claim): number | undefined {
    const { first, count, bandCount } = this.#range;
    const number =
      this.#findFree(first + bandCount, count - bandCount) ?? this.#findFree(first, bandCount);
    if (number !== undefined) this.#hold(number, owner, claim);
    return number;
  }

  /** The owner has these, as the store shows it. Returns those that another has too. */
  confirm(owner: string, numbers: readonly number[]): number[] {
    const disputed = numbers.filter(number => {
      const holder = this.#holders.get(number);
      return holder !== undefined && holder.owner !== owner && holder.claim === undefined;
    });
    for (const number of numbers) {
      if (!disputed.includes(number)) this.#holders.set(number, { owner, claim: undefined });
    }
    return disputed;
  }

  /** The owner has them no more. What another has, or a request has just taken, stays. */
  release(owner: string, numbers: readonly number[]): void {
    for (const number of numbers) {
      const holder = this.#holders.get(number);
      if (holder?.owner === owner && holder.claim === undefined) this.#holders.delete(number);
    }
  }

  /** Nothing came of the request. */
  abandon(claim: Claim): void {
    for (const number of this.#claimed.get(claim) ?? []) {
      if (this.#holders.get(number)?.claim === claim) this.#holders.delete(number);
    }
  }

  #hold(number: number, owner: string, claim: Claim): void {
    this.#holders.set(number, { owner, claim });
    this.#claimed.set(claim, [...(this.#claimed.get(claim) ?? []), number]);
  }

  /** From a random place on, so that numbers of deleted objects are not used again at once. */
  #findFree(first: number, count: number): number | undefined {
    if (count <= 0) return undefined;
    const start = this.#random.integer(count);
    for (let i = 0; i < count; i++) {
      const number = first + ((start + i) % count);
      if (!this.#holders.has(number) && !this.#range.kept.has(number)) return number;
    }
    return undefined;
  }
}
