import type { Clock, Timer } from './clock.ts';
import { createEventRecorder } from './event-recorder.ts';
import type { Contribution, Contributions, Disposer, ExtensionPoint } from './extension.ts';
import type { InformerOptions } from './informer.ts';
import type { Kind, KubeObject } from './kind.ts';
import { ALWAYS_LEADING, type Leadership } from './leadership.ts';
import type { KernelLink } from './link.ts';
import { createLogger } from './link-logger.ts';
import { createMetrics } from './link-metrics.ts';
import { createFencedClients, createObjectClient, type FencedClients } from './object-client.ts';
import type { ObjectClient, ObjectWatchSink } from './objects.ts';
import type { PluginContext } from './plugin.ts';
import type { Random } from './random.ts';
import type { WatchRequest } from './request.ts';
import type { Candidacy } from './shared-elections.ts';
import type { SharedInformers } from './shared-informers.ts';

export interface ContextOptions<C> {
  readonly name: string;
  readonly config: C;
  /** This plugin's own. */
  readonly link: KernelLink;
  readonly clock: Clock;
  readonly random: Random;
  /** One per thread. */
  readonly shared: SharedInformers;
  /** Absent: it may act always. */
  readonly candidacy?: Candidacy;
}

export interface OpenContext<C> {
  readonly context: PluginContext<C>;
  /**
   * Undoes all that the context handed out, last first. Idempotent. Everything is tried; what
   * failed is then rejected with, as one `AggregateError`.
   */
  dispose(): Promise<void>;
}

/** Makes what a plugin's `activate` is called with. For hosts of plugins, not for plugins. */
export function createContext<C>(options: ContextOptions<C>): OpenContext<C> {
  const { name, config, link, random, shared, candidacy } = options;
  const scope = new Scope(name);
  const aborter = new AbortController();
  const log = createLogger(link);
  const clock = scopedClock(options.clock, scope);
  const { plain, fenced } = clientsOf(link, candidacy);
  const objects = scopedObjects(fenced, scope);
  const component = componentOf(name);

  const context: PluginContext<C> = {
    name,
    config,
    log,
    metrics: createMetrics(link),
    clock,
    random,
    objects,
    events: createEventRecorder({ objects: plain, clock, random, log, component }),
    signal: aborter.signal,
    leadership: candidacy ? scopedLeadership(candidacy, scope) : ALWAYS_LEADING,
    informer<T extends KubeObject>(kind: Kind<T>, informerOptions: InformerOptions = {}) {
      scope.assertOpen();
      const informer = shared.open(kind, informerOptions, { link, log });
      scope.add(() => informer.close());
      return informer;
    },
    provide(point, value, contributionName = name) {
      scope.assertOpen();
      const withdraw = link.provide(point, contributionName, value);
      const forget = scope.add(withdraw);
      return () => {
        forget();
        return withdraw();
      };
    },
    contributions: point => subscribe(point, link, scope),
    onDispose: disposer => void scope.add(disposer),
  };
  return {
    context,
    dispose() {
      aborter.abort(new Error(`Plugin "${name}" is unloaded`));
      return scope.dispose();
    },
  };
}

function clientsOf(link: KernelLink, candidacy: Candidacy | undefined): FencedClients {
  if (candidacy) return createFencedClients(link, () => candidacy.fence());
  const plain = createObjectClient(link);
  return { plain, fenced: plain };
}

/** What was handed out, and how to undo it. */
class Scope {
  readonly #name: string;
  readonly #disposers = new Set<Disposer>();
  #disposed: Promise<void> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  assertOpen(): void {
    if (this.#disposed)
      throw new Error(`Cannot use the context of "${this.#name}": it is unloaded`);
  }

  /** Returns what takes it out again, for things that end by themselves. */
  add(disposer: Disposer): () => void {
    this.assertOpen();
    // A function of its own, so that the same disposer may be added twice.
    const entry = () => disposer();
    this.#disposers.add(entry);
    return () => void this.#disposers.delete(entry);
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#disposeAll();
    return this.#disposed;
  }

  async #disposeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const disposer of [...this.#disposers].reverse()) {
      try {
        await disposer();
      } catch (error) {
        errors.push(error);
      }
    }
    this.#disposers.clear();
    if (errors.length > 0)
      throw new AggregateError(errors, `Cannot dispose all of "${this.#name}"`);
  }
}

/** Pending timers are one disposer, not one each: there may be many thousands. */
function scopedClock(clock: Clock, scope: Scope): Clock {
  const pending = new Set<Timer>();
  let closed = false;
  scope.add(() => {
    closed = true;
    for (const timer of pending) timer.cancel();
    pending.clear();
  });
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimeout(callback, ms) {
      if (closed) return { cancel() {}, unref() {} };
      const timer = clock.setTimeout(() => {
        pending.delete(timer);
        callback();
      }, ms);
      pending.add(timer);
      return {
        cancel() {
          pending.delete(timer);
          timer.cancel();
        },
        unref: () => timer.unref(),
      };
    },
  };
}

function scopedObjects(objects: ObjectClient, scope: Scope): ObjectClient {
  return {
    ...objects,
    watch<T extends KubeObject>(request: WatchRequest, sink: ObjectWatchSink<T>) {
      scope.assertOpen();
      const forget = scope.add(() => cancel());
      const cancel = objects.watch<T>(request, {
        onEvents: events => sink.onEvents(events),
        onEnd(error) {
          forget();
          sink.onEnd(error);
        },
      });
      return () => {
        forget();
        cancel();
      };
    },
  };
}

function scopedLeadership(candidacy: Candidacy, scope: Scope): Leadership {
  return {
    get isLeader() {
      return candidacy.isLeader;
    },
    follow(follower) {
      const unfollow = candidacy.follow(follower);
      const forget = scope.add(unfollow);
      return () => {
        forget();
        return unfollow();
      };
    },
  };
}

function subscribe<T>(point: ExtensionPoint<T>, link: KernelLink, scope: Scope): Contributions<T> {
  scope.assertOpen();
  let current: readonly Contribution<T>[] = [];
  const callbacks = new Set<() => void>();
  scope.add(
    link.subscribe(point, contributions => {
      current = contributions;
      for (const callback of [...callbacks]) callback();
    }),
  );
  return {
    list: () => current,
    onChange(callback) {
      const entry = () => callback();
      callbacks.add(entry);
      return () => void callbacks.delete(entry);
    },
  };
}

/** What upstream calls the same component in `source.component`: `replicaset-controller`. */
function componentOf(name: string): string {
  const dot = name.indexOf('.');
  const own = name.slice(dot + 1);
  return dot > 0 && name.slice(0, dot) === 'controller' ? `${own}-controller` : own;
}
