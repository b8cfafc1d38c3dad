import type {
  ControllerSource,
  ControllerSources,
  ControllerView,
  Reconcile,
  ReconcileContext,
} from './controller.ts';
import type { Informer } from './informer.ts';
import { formatKey, type Kind, type KubeObject, keyOf, type ObjectKey, parseKey } from './kind.ts';
import { byController, controllerKey, orphansIn } from './ownership.ts';
import type { PluginContext } from './plugin.ts';
import { type RunningQueue, runQueue } from './queue-runner.ts';

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
  const queue = runQueue(ctx, {
    work: key => options.reconcile(parseKey(key), contextOf(key)),
    ...(options.concurrency && { concurrency: options.concurrency }),
    ...(options.intervalMs && { intervalMs: options.intervalMs }),
    replay: () => {
      for (const { informer, enqueue } of sources) informer.list().forEach(enqueue);
    },
  });
  const contextOf = (key: string) => reconcileContext(ctx, { kind: options.for, key, informerOf });
  const view = { informer: informerOf };
  const sources = sourcesOf(options, view, queue);
  for (const { informer, enqueue } of sources) onEachState(informer, enqueue);
  const synced = [...informers.values()].map(informer => informer.synced);
  void Promise.all(synced).then(() => queue.start());
  return { ...view, enqueue: key => queue.add(formatKey(key)) };
}

interface KeyOptions<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly key: string;
  readonly informerOf: <K extends KubeObject>(kind: Kind<K>) => Informer<K>;
}

function reconcileContext<T extends KubeObject, C>(
  ctx: PluginContext<C>,
  { kind, key, informerOf }: KeyOptions<T>,
): ReconcileContext<T, C> {
  const { config, objects, events, clock, random, log, signal } = ctx;
  const object = informerOf(kind).get(key);
  return {
    ...{ config, objects, events, clock, random, log, signal, object },
    informer: informerOf,
    owned<K extends KubeObject>(owned: Kind<K>): K[] {
      const uid = object?.metadata.uid;
      return uid ? informerOf(owned).byIndex('controller', uid) : [];
    },
    orphans<K extends KubeObject>(owned: Kind<K>): K[] {
      return informerOf(owned).byIndex('controller', orphansIn(parseKey(key).namespace));
    },
  };
}

/** One informer a kind, with all fields that any of the sources wants. */
function openInformers<T extends KubeObject, C, W extends readonly KubeObject[]>(
  ctx: PluginContext<C>,
  options: ControllerSources<T, W>,
): Map<string, Informer<KubeObject>> {
  const { fields: ownFields, indexes: ownIndexes } = options;
  const own = {
    kind: options.for,
    ...(ownFields && { fields: ownFields }),
    ...(ownIndexes && { indexes: ownIndexes }),
  };
  const wanted = new Map<string, ControllerSource>();
  for (const source of [own, ...ownedSources(options), ...(options.watches ?? [])]) {
    const { kind, fields, indexes } = source as ControllerSource;
    const known = wanted.get(idOf(kind));
    const isWhole = fields === undefined || (known !== undefined && known.fields === undefined);
    const all = [...(known?.fields ?? []), ...(fields ?? [])];
    wanted.set(idOf(kind), {
      kind,
      ...(!isWhole && { fields: [...new Set(all)] }),
      indexes: { ...known?.indexes, ...indexes },
    });
  }
  return new Map(
    [...wanted].map(([id, { kind, fields, indexes }]) => [
      id,
      ctx.informer(kind, {
        ...(fields && { fields }),
        indexes: { ...indexes, controller: byController },
      }),
    ]),
  );
}

interface Source {
  readonly informer: Informer<KubeObject>;
  /** Adds the keys that an object concerns. */
  enqueue(object: KubeObject): void;
}

function sourcesOf<T extends KubeObject, W extends readonly KubeObject[]>(
  options: ControllerSources<T, W>,
  view: ControllerView,
  queue: RunningQueue,
): Source[] {
  const { for: kind, watches = [] } = options;
  const own = {
    informer: view.informer(kind as Kind),
    enqueue: (object: KubeObject) => queue.add(keyOf(object)),
  };
  const owned = ownedSources(options).map(source => ({
    informer: view.informer(source.kind),
    enqueue(object: KubeObject) {
      const key = controllerKey(kind, object);
      if (key) queue.add(formatKey(key));
    },
  }));
  const watched = (watches as readonly AnyWatch[]).map(watch => ({
    informer: view.informer(watch.kind),
    enqueue(object: KubeObject) {
      for (const key of watch.map(object, view)) queue.add(formatKey(key));
    },
  }));
  return [own, ...owned, ...watched];
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

function idOf({ group, version, resource }: Omit<Kind, '__object'>): string {
  return `${resource}.${version}.${group}`;
}
