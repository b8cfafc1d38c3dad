import type {
  ControllerSource,
  ControllerSources,
  ControllerView,
  Reconcile,
} from './controller.ts';
import type { Informer } from './informer.ts';
import { formatKey, type Kind, type KubeObject, keyOf, type ObjectKey, parseKey } from './kind.ts';
import { byController, controllerKey, orphansIn } from './ownership.ts';
import type { PluginContext } from './plugin.ts';
import { ApiError } from './status.ts';
import { WorkQueue } from './workqueue.ts';

/** Milliseconds, or a number with its unit: `'90s'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

export interface RunControllerOptions<
  T extends KubeObject,
  C,
  W extends readonly KubeObject[] = readonly KubeObject[],
> extends ControllerSources<T, W> {
  readonly reconcile: Reconcile<T, C>;
}

/** A controller that runs until its plugin is unloaded. */
export interface RunningController extends ControllerView {
  /** As if something about it had changed. */
  enqueue(key: ObjectKey): void;
}

/**
 * Runs a controller in a plugin's `activate`: the form for controllers that keep something between
 * calls, or of which a plugin has several. Work begins when all its informers have synced, which
 * this does not wait for. On unload what is under way is waited for.
 */
export function runController<T extends KubeObject, C, W extends readonly KubeObject[]>(
  ctx: PluginContext<C>,
  options: RunControllerOptions<T, C, W>,
): RunningController {
  const informers = openInformers(ctx, options);
  const informerOf = <K extends KubeObject>(kind: Kind<K>) => {
    const informer = informers.get(idOf(kind));
    if (!informer) throw new Error(`Cannot give an informer of ${kind.kind}: it is no source`);
    return informer as unknown as Informer<K>;
  };
  const runner = new Runner(ctx, { ...options, informerOf });
  const view = { informer: informerOf };
  subscribe(options, view, runner);
  void start(informers.values(), runner, ctx.signal);
  return { ...view, enqueue: key => runner.queue.add(formatKey(key)) };
}

/** One informer a kind, with all fields that any of the sources wants. */
function openInformers<T extends KubeObject, C, W extends readonly KubeObject[]>(
  ctx: PluginContext<C>,
  options: ControllerSources<T, W>,
): Map<string, Informer<KubeObject>> {
  const own = { kind: options.for, ...(options.fields && { fields: options.fields }) };
  const wanted = new Map<string, ControllerSource>();
  for (const source of [own, ...ownedSources(options), ...(options.watches ?? [])]) {
    const { kind, fields } = source as ControllerSource;
    const known = wanted.get(idOf(kind));
    const isWhole = fields === undefined || (known !== undefined && known.fields === undefined);
    const all = [...(known?.fields ?? []), ...(fields ?? [])];
    wanted.set(idOf(kind), isWhole ? { kind } : { kind, fields: [...new Set(all)] });
  }
  return new Map(
    [...wanted].map(([id, { kind, fields }]) => [
      id,
      ctx.informer(kind, { ...(fields && { fields }), indexes: { controller: byController } }),
    ]),
  );
}

function subscribe<T extends KubeObject, W extends readonly KubeObject[]>(
  options: ControllerSources<T, W>,
  view: ControllerView,
  { queue }: { readonly queue: WorkQueue },
): void {
  onEachState(view.informer(options.for), object => queue.add(keyOf(object)));
  for (const { kind } of ownedSources(options)) {
    onEachState(view.informer(kind), object => {
      const key = controllerKey(options.for, object);
      if (key) queue.add(formatKey(key));
    });
  }
  for (const { kind, map } of (options.watches ?? []) as readonly AnyWatch[]) {
    onEachState(view.informer(kind), object => {
      for (const key of map(object, view)) queue.add(formatKey(key));
    });
  }
}

interface AnyWatch extends ControllerSource {
  map(object: KubeObject, view: ControllerView): readonly ObjectKey[];
}

function ownedSources(options: ControllerSources): readonly ControllerSource[] {
  return (options.owns ?? []).map(source => ('resource' in source ? { kind: source } : source));
}

function onEachState<T>(informer: Informer<T>, enqueue: (object: T) => void): void {
  informer.on({
    added: enqueue,
    updated(object, old) {
      enqueue(old);
      enqueue(object);
    },
    deleted: enqueue,
  });
}

async function start<T extends KubeObject, C>(
  informers: Iterable<Informer<KubeObject>>,
  runner: Runner<T, C>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([...informers].map(informer => informer.synced));
  if (!signal.aborted) runner.start();
}

interface RunnerOptions<T extends KubeObject, C> {
  readonly for: Kind<T>;
  readonly concurrency?: number;
  readonly reconcile: Reconcile<T, C>;
  readonly informerOf: <K extends KubeObject>(kind: Kind<K>) => Informer<K>;
}

/** Takes keys and reconciles them, some at a time. */
class Runner<T extends KubeObject, C> {
  readonly queue: WorkQueue;
  readonly #ctx: PluginContext<C>;
  readonly #options: RunnerOptions<T, C>;
  readonly #reconciles;
  readonly #seconds;
  #started = false;
  #active = 0;
  #onIdle: () => void = () => {};

  constructor(ctx: PluginContext<C>, options: RunnerOptions<T, C>) {
    this.#ctx = ctx;
    this.#options = options;
    this.queue = new WorkQueue({ clock: ctx.clock, onReady: () => this.#pump() });
    this.#reconciles = ctx.metrics.counter('reconciles_total', 'Reconciliations, by their result.');
    this.#seconds = ctx.metrics.histogram('reconcile_seconds', 'How long one reconciliation took.');
    ctx.onDispose(() => this.#stop());
  }

  start(): void {
    this.#started = true;
    this.#pump();
  }

  #pump(): void {
    if (!this.#started) return;
    const { concurrency = 1 } = this.#options;
    while (this.#active < concurrency) {
      const key = this.queue.take();
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
    this.queue.done(key);
    if (this.#active === 0) this.#onIdle();
    this.#pump();
  }

  async #attempt(key: string): Promise<'success' | 'error'> {
    try {
      const result = await this.#options.reconcile(parseKey(key), this.#contextOf(key));
      this.queue.forget(key);
      if (result) this.queue.addAfter(key, toMs(result.requeueAfter));
      return 'success';
    } catch (error) {
      this.#failed(key, error);
      return 'error';
    }
  }

  #failed(key: string, error: unknown): void {
    const { log, signal } = this.#ctx;
    if (signal.aborted) return;
    const failures = this.queue.failures(key) + 1;
    // Somebody else was quicker: the usual way of things, and gone with the next try.
    const level = ApiError.is(error, 'Conflict') ? 'debug' : 'warn';
    log[level]('Reconcile failed', { kind: this.#options.for.kind, key, failures, error });
    this.queue.addRateLimited(key);
  }

  #contextOf(key: string) {
    const { informerOf } = this.#options;
    const { config, objects, events, clock, random, log, signal } = this.#ctx;
    const object = informerOf(this.#options.for).get(key);
    return {
      ...{ config, objects, events, clock, random, log, signal, object },
      informer: informerOf,
      owned<K extends KubeObject>(kind: Kind<K>): K[] {
        const uid = object?.metadata.uid;
        return uid ? informerOf(kind).byIndex('controller', uid) : [];
      },
      orphans<K extends KubeObject>(kind: Kind<K>): K[] {
        return informerOf(kind).byIndex('controller', orphansIn(parseKey(key).namespace));
      },
    };
  }

  #stop(): Promise<void> {
    this.#started = false;
    this.queue.shutDown();
    if (this.#active === 0) return Promise.resolve();
    return new Promise(resolve => {
      this.#onIdle = resolve;
    });
  }
}

function toMs(duration: Duration): number {
  if (typeof duration === 'number') return duration;
  const [, amount = '', unit = ''] = /^([\d.]+)(ms|s|m|h)$/.exec(duration) ?? [];
  const ms = Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  if (amount === '' || Number.isNaN(ms)) throw new Error(`Cannot read duration "${duration}"`);
  return ms;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function idOf({ group, version, resource }: Omit<Kind, '__object'>): string {
  return `${resource}.${version}.${group}`;
}
