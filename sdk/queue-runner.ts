import { parseDuration } from './parse-duration.ts';
import type { PluginContext } from './plugin.ts';
import { ApiError } from './status.ts';
import { WorkQueue } from './workqueue.ts';

/** Milliseconds, or a number with its unit: `'90s'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

/** Nothing: until something changes. `requeueAfter`: or until then. */
export type ReconcileResult = { readonly requeueAfter: Duration } | undefined;

export interface QueueOptions {
  /** What is done about a key. When it throws it is called again, later and later. */
  work(key: string): ReconcileResult | Promise<ReconcileResult>;
  /** How many keys at a time. Default 1; never the same one twice. */
  readonly concurrency?: number;
  /**
   * A key is worked on again no sooner than so long after it last was begun; what happens meanwhile
   * is dealt with in one. Default 0.
   */
  readonly intervalMs?: number;
}

/** Keys that are worked off until the plugin is unloaded. */
export interface RunningQueue {
  add(key: string): void;
  /** Before it keys only gather. */
  start(): void;
}

/**
 * A work queue and its workers: what `controller()` runs on, for plugins whose keys are not those
 * of one kind. On unload what is under way is waited for.
 */
export function runQueue(ctx: PluginContext, options: QueueOptions): RunningQueue {
  return new Runner(ctx, options);
}

class Runner implements RunningQueue {
  readonly #ctx: PluginContext;
  readonly #options: QueueOptions;
  readonly #queue: WorkQueue;
  readonly #reconciles;
  readonly #seconds;
  #started = false;
  #active = 0;
  #onIdle: () => void = () => {};

  constructor(ctx: PluginContext, options: QueueOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#queue = new WorkQueue({ clock: ctx.clock, onReady: () => this.#pump() });
    this.#reconciles = ctx.metrics.counter('reconciles_total', 'Reconciliations, by their result.');
    this.#seconds = ctx.metrics.histogram('reconcile_seconds', 'How long one reconciliation took.');
    ctx.onDispose(() => this.#stop());
  }

  add(key: string): void {
    this.#queue.add(key);
  }

  start(): void {
    if (this.#ctx.signal.aborted) return;
    this.#started = true;
    this.#pump();
  }

  #pump(): void {
    if (!this.#started) return;
    const { concurrency = 1 } = this.#options;
    while (this.#active < concurrency) {
      const key = this.#queue.take();
      if (key === undefined) return;
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    this.#active++;
    const began = this.#ctx.clock.monotonic();
    const result = await this.#attempt(key);
    this.#seconds.observe((this.#ctx.clock.monotonic() - began) / 1000);
    this.#reconciles.add(1, { result });
    this.#active--;
    this.#release(key, began);
    if (this.#active === 0) this.#onIdle();
    this.#pump();
  }

  /** Until it is given back the key is not taken again, however often it is added. */
  #release(key: string, began: number): void {
    const { clock } = this.#ctx;
    const rest = began + (this.#options.intervalMs ?? 0) - clock.monotonic();
    if (rest > 0) clock.setTimeout(() => this.#queue.done(key), rest);
    else this.#queue.done(key);
  }

  async #attempt(key: string): Promise<'success' | 'error'> {
    try {
      const result = await this.#options.work(key);
      this.#queue.forget(key);
      if (result) this.#queue.addAfter(key, parseDuration(result.requeueAfter));
      return 'success';
    } catch (error) {
      this.#failed(key, error);
      return 'error';
    }
  }

  #failed(key: string, error: unknown): void {
    const { log, signal } = this.#ctx;
    if (signal.aborted) return;
    const failures = this.#queue.failures(key) + 1;
    // Somebody else was quicker: the usual way of things, and gone with the next try.
    const isUsual = ApiError.is(error, 'Conflict') || ApiError.is(error, 'NotFound');
    const level = isUsual ? 'debug' : 'warn';
    log[level]('Reconcile failed', { key, failures, error });
    this.#queue.addRateLimited(key);
  }

  #stop(): Promise<void> {
    this.#started = false;
    this.#queue.shutDown();
    if (this.#active === 0) return Promise.resolve();
    return new Promise(resolve => {
      this.#onIdle = resolve;
    });
  }
}
