import type { Clock, Timer } from 'kernetes/sdk';

export interface EvictionQueueOptions {
  readonly clock: Clock;
  /** A second. */
  readonly rate: number;
  /** The name's turn has come; it is out of the queue. */
  readonly onTurn: (name: string) => void;
}

/** Names that take turns, so many a second. A rate of 0 stops it. */
export class EvictionQueue {
  readonly #options: EvictionQueueOptions;
  readonly #names = new Set<string>();
  #rate: number;
  /** Monotonic. */
  #freeAtMs: number;
  #timer: Timer | undefined;

  constructor(options: EvictionQueueOptions) {
    this.#options = options;
    this.#rate = options.rate;
    this.#freeAtMs = options.clock.monotonic();
  }

  add(name: string): void {
    this.#names.add(name);
    this.#drain();
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  delete(name: string): void {
    this.#names.delete(name);
  }

  clear(): void {
    this.#names.clear();
  }

  /** Who waited for the next turn at the old rate waits for one at the new. */
  setRate(rate: number): void {
    if (rate === this.#rate) return;
    const now = this.#options.clock.monotonic();
    const waits = this.#rate === 0 || now < this.#freeAtMs;
    this.#rate = rate;
    if (rate > 0) this.#freeAtMs = now + (waits ? 1_000 / rate : 0);
    this.#drain();
  }

  #drain(): void {
    const { clock, onTurn } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const name of this.#names) {
      if (this.#rate === 0) return;
      const wait = this.#freeAtMs - clock.monotonic();
      if (wait > 0) {
        this.#timer = clock.setTimeout(() => this.#drain(), wait);
        return;
      }
      this.#freeAtMs = clock.monotonic() + 1_000 / this.#rate;
      this.#names.delete(name);
      onTurn(name);
    }
  }
}
