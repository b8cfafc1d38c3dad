import type { Labels, Metrics } from './metrics.ts';
import { parseDuration } from './parse-duration.ts';
import type { PluginContext } from './plugin.ts';
import { ApiError } from './status.ts';
import { WorkQueue } from './workqueue.ts';

/** Milliseconds, or a number with its unit: `'90s'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

/** Nothing: until something changes. */
export type ReconcileResult = Requeue | undefined;

export interface Requeue {
  /** When it is called again, if nothing changes before. */
  readonly requeueAfter: Duration;
  /** It failed, as if this had been thrown: it is called again sooner, if that comes sooner. */
  readonly error?: unknown;
}

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
  /**
   * Adds every key that there may be something to do about. Called when an elected plugin begins to
   * lead; what was added while it did not is forgotten then. Without it those keys are kept.
   */
  readonly replay?: () => void;
  /** Tells the metrics of several queues of one plugin apart: their label `queue`. */
  readonly name?: string;
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
 *
 * A plugin that is elected works off nothing while it does not lead: what is under way when that
 * ends is waited for, and the rest stays.
 */
export function runQueue(ctx: PluginContext, options: QueueOptions): RunningQueue {
  return new Runner(ctx, options);
}

class Runner implements RunningQueue {
  readonly #ctx: PluginContext;
  readonly #options: QueueOptions;
  readonly #queue: WorkQueue;
  readonly #metrics: QueueMetrics;
  #started = false;
  #leads = false;
  /** Keys were not taken, or were dealt with by another leader. */
  #missedKeys = false;
  #active = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(ctx: PluginContext, options: QueueOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#queue = new WorkQueue({ clock: ctx.clock, onReady: () => this.#onReady() });
    this.#metrics = new QueueMetrics(ctx.metrics, options.name);
    ctx.leadership.follow({
      begin: () => {
        this.#leads = true;
        this.#open();
      },
      end: () => {
        this.#leads = false;
        this.#missedKeys = true;
        return this.#idle();
      },
    });
    ctx.onDispose(() => this.#stop());
  }

  add(key: string): void {
    if (this.#leads || !this.#options.replay) this.#queue.add(key);
    else this.#missedKeys = true;
  }

  start(): void {
    if (this.#ctx.signal.aborted) return;
    this.#started = true;
    this.#open();
  }

  /** Both have come true: it may work, and knows all that it must. */
  #open(): void {
    if (!this.#started || !this.#leads) return;
    if (this.#missedKeys) {
      this.#missedKeys = false;
      this.#options.replay?.();
    }
    this.#pump();
  }

  #onReady(): void {
    this.#metrics.grown(this.#queue.length);
    this.#pump();
  }

  #pump(): void {
    if (!this.#started || !this.#leads) return;
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
    const seconds = (this.#ctx.clock.monotonic() - began) / 1_000;
    this.#active--;
    this.#release(key, began);
    this.#metrics.worked(result, seconds, this.#queue.length);
    if (this.#active === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
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
      const isGood = result?.error === undefined;
      if (isGood) this.#queue.forget(key);
      else this.#failed(key, result.error);
      if (result) this.#queue.addAfter(key, parseDuration(result.requeueAfter));
      return isGood ? 'success' : 'error';
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
    this.#metrics.retried();
    this.#queue.addRateLimited(key);
  }

  #stop(): Promise<void> {
    this.#started = false;
    this.#queue.shutDown();
    return this.#idle();
  }

  /** Resolves when nothing is under way. */
  #idle(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise(resolve => this.#idleWaiters.push(resolve));
  }
}

/**
 * What a queue tells of itself. Its depth costs no message a key: it is told with the results of
 * reconciliations, which are told anyway, to an eighth of itself; and between these when it has
 * doubled.
 */
class QueueMetrics {
  readonly #labels: Labels;
  readonly #reconciles;
  readonly #seconds;
  readonly #depth;
  readonly #retries;
  #toldDepth = 0;

  constructor(metrics: Metrics, name: string | undefined) {
    this.#labels = name === undefined ? {} : { queue: name };
    this.#reconciles = metrics.counter('reconciles_total', 'Reconciliations, by their result.');
    this.#seconds = metrics.histogram('reconcile_seconds', 'How long one reconciliation took.');
    this.#depth = metrics.gauge('queue_depth', 'Keys that wait to be worked on.');
    this.#retries = metrics.counter('retries_total', 'Keys put back because their work failed.');
    // Who looks finds them of every queue, also of one that never had to wait.
    this.#depth.set(0, this.#labels);
    this.#retries.add(0, this.#labels);
  }

  grown(depth: number): void {
    if (depth >= 2 * Math.max(this.#toldDepth, DEPTH_MIN)) this.#tell(depth);
  }

  worked(result: 'success' | 'error', seconds: number, depth: number): void {
    this.#seconds.observe(seconds, this.#labels);
    this.#reconciles.add(1, { ...this.#labels, result });
    const change = Math.abs(depth - this.#toldDepth);
    if (change > 0 && change * 8 >= this.#toldDepth) this.#tell(depth);
  }

  retried(): void {
    this.#retries.add(1, this.#labels);
  }

  #tell(depth: number): void {
    this.#toldDepth = depth;
    this.#depth.set(depth, this.#labels);
  }
}

/** A queue that is shorter is told of when something of it was worked on. */
const DEPTH_MIN = 8;
