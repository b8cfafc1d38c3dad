import type { Clock, Timer } from './clock.ts';
import { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Something can be taken. Called in the tick in which it was added, and again for each. */
  readonly onReady: () => void;
  /** Wait after a key's first failure; doubles with each. Default 5 ms. */
  readonly retryFirstMs?: number;
  /** Default 1000 s. */
  readonly retryMaxMs?: number;
  /** Bounds retries of all keys together. Default: no bound. */
  readonly retries?: TokenBucketOptions;
}

/**
 * client-go's rate-limited work queue. A key that waits is there once, however often it is added.
 * One that is added while it is worked on waits until that is done, and is then taken again; so no
 * two workers ever have the same key, and no change goes unseen.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #retries: TokenBucket | undefined;
  /** Taken from `#head` on; keys before it are past. */
  #order: string[] = [];
  #head = 0;
  /** Waits in `#order`, or to be done and taken again. */
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #delayed = new Map<string, { readonly at: number; readonly timer: Timer }>();
  readonly #failures = new Map<string, number>();
  #isShutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#retries = options.retries && new TokenBucket(options.clock, options.retries);
  }

  /** Keys that can be taken now. */
  get length(): number {
    return this.#order.length - this.#head;
  }

  add(key: string): void {
    if (this.#isShutDown || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#push(key);
  }

  /** Of several times for one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#isShutDown) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const at = this.#options.clock.monotonic() + ms;
    const waiting = this.#delayed.get(key);
    if (waiting && waiting.at <= at) return;
    waiting?.timer.cancel();
    const timer = this.#options.clock.setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, ms);
    this.#delayed.set(key, { at, timer });
  }

  /** After a failure: later, and later still each time until `forget`. */
  addRateLimited(key: string): void {
    const { retryFirstMs = RETRY_FIRST_MS, retryMaxMs = RETRY_MAX_MS } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const own = Math.min(retryFirstMs * 2 ** failures, retryMaxMs);
    this.addAfter(key, Math.max(own, this.#retries?.reserveMs() ?? 0));
  }

  /** The key is well: its next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often `key` was added rate-limited since it was last well. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key to work on, to be given back by `done`; undefined: none waits. */
  take(): string | undefined {
    const key = this.#order[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    this.#dropPast();
    this.#dirty.delete(key);
    this.#processing.add(key);
    return key;
  }

  /** Exactly once for each key taken. */
  done(key: string): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#push(key);
  }

  /** Nothing is taken or added from now on. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#dirty.clear();
    this.#order = [];
    this.#head = 0;
  }

  #push(key: string): void {
    this.#order.push(key);
    this.#options.onReady();
  }

  /** Copies only when at least half is past, so a take costs a constant on average. */
  #dropPast(): void {
    if (this.#head * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#head);
    this.#head = 0;
  }
}

/** client-go's own numbers. */
const RETRY_FIRST_MS = 5;
const RETRY_MAX_MS = 1_000_000;
