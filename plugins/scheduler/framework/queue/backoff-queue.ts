import type { Clock, Timer } from 'kernetes/sdk';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from '../limits.ts';
import { Heap } from './heap.ts';
import type { Entry } from './waiting-pods.ts';

/** How long a pod waits after its first failed attempt, and at most. */
export interface BackoffTimes {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Pods that failed a moment ago, each until its time has come. */
export class BackoffQueue {
  readonly #clock: Clock;
  readonly #times: BackoffTimes;
  readonly #onReady: (entry: Entry) => void;
  readonly #heap = new Heap<Entry>((a, b) => a.readyAt - b.readyAt);
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, onReady: (entry: Entry) => void, times: BackoffTimes = BACKOFF) {
    this.#clock = clock;
    this.#times = times;
    this.#onReady = onReady;
  }

  /** Sets, and gives, when a pod that failed at `from` is ready: later after each attempt. */
  endOf(entry: Entry, from: number): number {
    const { minMs, maxMs } = this.#times;
    entry.readyAt = from + Math.min(minMs * 2 ** Math.max(0, entry.attempts - 1), maxMs);
    return entry.readyAt;
  }

  push(entry: Entry): void {
    this.#heap.push(entry);
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer?.cancel();
    const next = this.#heap.peek();
    if (!next || this.#closed) return;
    const ms = Math.max(0, next.readyAt - this.#clock.now());
    this.#timer = this.#clock.setTimeout(() => this.#release(), ms);
  }

  #release(): void {
    const now = this.#clock.now();
    for (let next = this.#heap.peek(); next && next.readyAt <= now; next = this.#heap.peek()) {
      this.#heap.pop();
      if (!next.gone) this.#onReady(next);
    }
    this.#arm();
  }
}

const BACKOFF: BackoffTimes = { minMs: BACKOFF_MS_MIN, maxMs: BACKOFF_MS_MAX };
