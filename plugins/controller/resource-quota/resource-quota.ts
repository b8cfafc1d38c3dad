import {
  type Contributions,
  type Informer,
  keyOf,
  type PluginContext,
  type QuotaEvaluator,
  type ReconcileResult,
  ResourceQuota,
  type RunningQueue,
  runQueue,
  type ServedKind,
} from 'kernetes/sdk';
import { countUsage } from './count.ts';
import { Monitors, SYNC_TIMEOUT_MS } from './monitors.ts';
import { Raises } from './raises.ts';
import { nextStatus } from './status.ts';

/** Counts what there is for each quota, again and again, and writes it into its status. */
export class QuotaController {
  readonly #ctx: PluginContext;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #kinds: Contributions<ServedKind>;
  readonly #monitors: Monitors;
  readonly #queue: RunningQueue;
  readonly #raises = new Raises();
  /** How many quotas have a limit of this name. */
  readonly #names = new Map<string, number>();

  constructor(ctx: PluginContext, kinds: Contributions<ServedKind>) {
    this.#ctx = ctx;
    this.#kinds = kinds;
    this.#quotas = ctx.informer(ResourceQuota);
    this.#monitors = new Monitors({
      ctx,
      isWatched: namespace => this.#quotas.list(namespace).length > 0,
      onChange: (evaluator, namespace) => this.#enqueue(evaluator, namespace),
    });
    const work = (key: string) => this.#sync(key);
    const replay = () => this.#addAll();
    this.#queue = runQueue(ctx, { work, concurrency: 5, intervalMs: COUNT_INTERVAL_MS, replay });
  }

  start(): void {
    this.#quotas.on({
      added: quota => this.#changed(quota),
      updated: (quota, old) => this.#changed(quota, old),
      deleted: quota => {
        this.#raises.forget(keyOf(quota));
        this.#nameLimits(undefined, quota);
      },
    });
    this.#kinds.onChange(() => this.#follow());
    void this.#quotas.synced.then(() => this.#queue.start());
    this.#resync();
  }

  #changed(quota: ResourceQuota, old?: ResourceQuota): void {
    const key = keyOf(quota);
    this.#raises.seen(key, quota, old, this.#ctx.clock.monotonic());
    this.#nameLimits(quota, old);
    this.#queue.add(key);
  }

  /** Only a name that is new, or gone, can change what is to be watched. */
  #nameLimits(quota: ResourceQuota | undefined, old: ResourceQuota | undefined): void {
    const before = new Set(this.#names.keys());
    for (const name in quota?.spec?.hard) this.#names.set(name, (this.#names.get(name) ?? 0) + 1);
    for (const name in old?.spec?.hard) {
      const left = (this.#names.get(name) ?? 0) - 1;
      if (left > 0) this.#names.set(name, left);
      else this.#names.delete(name);
    }
    const isSame =
      before.size === this.#names.size && [...before].every(name => this.#names.has(name));
    if (!isSame) this.#follow();
  }

  #follow(): void {
    const kinds = this.#kinds.list().map(({ value }) => value);
    this.#monitors.follow(kinds, [...this.#names.keys()]);
  }

  #enqueue({ counts }: QuotaEvaluator, namespace?: string): void {
    for (const quota of this.#quotas.list(namespace)) {
      if (Object.keys(quota.spec?.hard ?? {}).some(counts)) this.#queue.add(keyOf(quota));
    }
  }

  /** For what time alone changes, and what nobody told. */
  #resync(): void {
    this.#addAll();
    this.#ctx.clock.setTimeout(() => this.#resync(), RESYNC_MS).unref();
  }

  #addAll(): void {
    for (const quota of this.#quotas.list()) this.#queue.add(keyOf(quota));
  }

  async #sync(key: string): Promise<ReconcileResult> {
    const quota = this.#quotas.get(key);
    if (quota === undefined) return undefined;
    const names = Object.keys(quota.spec?.hard ?? {});
    const monitors = this.#monitors.list().filter(({ evaluator }) => names.some(evaluator.counts));
    // A limit of which nobody knows how much is used refuses everything.
    if (monitors.some(monitor => monitor.isComing())) return { requeueAfter: SYNC_TIMEOUT_MS };
    const counted = countUsage(quota, monitors);
    const nowMs = this.#ctx.clock.monotonic();
    const { status, isHeld } = nextStatus(quota, counted, this.#raises.sum(key, nowMs));
    const msLeft = this.#raises.msLeft(key, nowMs);
    if (status) await this.#ctx.objects.updateStatus(ResourceQuota, { ...quota, status });
    return isHeld ? { requeueAfter: msLeft } : undefined;
  }
}

/** One count for all that happens within this time: it grows with the namespace. */
const COUNT_INTERVAL_MS = 50;
/** Upstream's. */
const RESYNC_MS = 300_000;
