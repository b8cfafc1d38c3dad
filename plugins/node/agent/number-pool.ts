/**
 * Hands out the integers below a bound, each to one holder at a time. It goes round, so that one
 * given back rests as long as possible: an address that is seen again means another pod.
 */
export class NumberPool {
  readonly size: number;
  readonly #taken = new Set<number>();
  #next = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** Undefined when all are taken. */
  take(): number | undefined {
    if (this.#taken.size >= this.size) return undefined;
    while (this.#taken.has(this.#next)) this.#advance();
    const number = this.#next;
    this.#taken.add(number);
    this.#advance();
    return number;
  }

  /** False when it is taken already, or none of the pool's. */
  reserve(number: number): boolean {
    if (!Number.isInteger(number) || number < 0 || number >= this.size) return false;
    if (this.#taken.has(number)) return false;
    this.#taken.add(number);
    // After a restart the highest is the best guess at where the round had come to.
    if (number >= this.#next) this.#next = (number + 1) % this.size;
    return true;
  }

  release(number: number): void {
    this.#taken.delete(number);
  }

  #advance(): void {
    this.#next = (this.#next + 1) % this.size;
  }
}
