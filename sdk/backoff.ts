import type { Random } from './random.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Waits that double up to a bound, each with up to half of itself more by chance. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;

  constructor(random: Random, options: BackoffOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** How long to wait after one more failure. */
  nextMs(): number {
    const { firstMs, maxMs } = this.#options;
    const ms = Math.min(firstMs * 2 ** this.#failures, maxMs);
    // 2 ** 1024 is Infinity, which the bound above takes; past that nothing changes.
    this.#failures++;
    return ms * (1 + this.#random.next() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
