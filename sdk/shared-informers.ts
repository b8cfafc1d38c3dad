import { Backoff } from './backoff.ts';
import { Cache, type Index, type IndexFunction } from './cache.ts';
import { type Clock, delay } from './clock.ts';
import type { Disposer } from './extension.ts';
import type { Informer, InformerHandlers, InformerOptions } from './informer.ts';
import { type Kind, type KubeObject, keyOf } from './kind.ts';
import type { KernelLink } from './link.ts';
import type { LogFields, Logger, LogLevel } from './logger.ts';
import { compileProjection } from './projection.ts';
import type { Random } from './random.ts';
import { Reflector } from './reflector.ts';
import type { WatchRequest } from './request.ts';
import { ApiError } from './status.ts';

/** On whose behalf an informer is opened. */
export interface InformerUser {
  readonly link: KernelLink;
  readonly log: Logger;
}

/**
 * The informers of one thread. Plugins that ask for the same kind with the same selectors and
 * fields share one watch and one copy of the objects; indexes and handlers are each one's own.
 *
 * The watch goes over the line, and so with the rights, of one of the sharers. Therefore a plugin
 * gets to see nothing of it before a list (of one object) over its own line has been allowed: the
 * right to list is the right to read what the watch brings. When the watch ends, the next sharer's
 * line is used, so one that lost its rights or is unloaded does not blind the others.
 */
export class SharedInformers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #shared = new Map<string, SharedInformer<KubeObject>>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  open<T extends KubeObject>(
    kind: Kind<T>,
    options: InformerOptions,
    user: InformerUser,
  ): OpenInformer<T> {
    const { indexes, fields, ...selection } = options;
    const { group, version, resource } = kind;
    const wanted = fields && { fields: [...fields].sort() };
    const request: WatchRequest = { group, version, resource, ...selection, ...wanted };
    const key = JSON.stringify(request, sortedEntries);
    let shared = this.#shared.get(key) as SharedInformer<T> | undefined;
    if (shared === undefined) {
      const project = compileProjection(fields);
      const onUnused = () => this.#shared.delete(key);
      const times = { clock: this.#clock, random: this.#random };
      shared = new SharedInformer<T>({ request, project, onUnused, ...times });
      this.#shared.set(key, shared as unknown as SharedInformer<KubeObject>);
    }
    return new OpenInformer<T>(shared, { ...user, indexes, request }, this.#random);
  }
}

/** So that the order in which options were written does not matter. */
function sortedEntries(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface SharedInformerOptions<T extends KubeObject> {
  readonly request: WatchRequest;
  readonly project: (object: T) => T;
  readonly clock: Clock;
  readonly random: Random;
  /** The last sharer is gone. */
  readonly onUnused: () => void;
}

/** One watch and one copy, for all who were allowed to have it. */
class SharedInformer<T extends KubeObject> {
  readonly clock: Clock;
  readonly cache = new Cache<T>();
  hasSynced = false;
  readonly #options: SharedInformerOptions<T>;
  readonly #reflector: Reflector<T>;
  #opened = 0;
  /** Who was allowed to see it, in the order in which their lines are tried. */
  #users: OpenInformer<T>[] = [];

  constructor(options: SharedInformerOptions<T>) {
    this.#options = options;
    this.clock = options.clock;
    const { request, clock, random } = options;
    this.#reflector = new Reflector<T>({
      request,
      clock,
      random,
      link: () => this.#users[0]?.link,
      sink: {
        set: object => this.#set(object),
        delete: key => this.#delete(key),
        listed: keys => this.#listed(keys),
        onEnd: error => this.#ended(error),
        onError: error => this.#log('error', 'Watch event failed', error),
      },
    });
  }

  get resourceVersion(): string | undefined {
    return this.#reflector.resourceVersion;
  }

  /** Somebody holds it, allowed or not; `close` ends that. */
  open(): void {
    this.#opened++;
  }

  close(user: OpenInformer<T>): void {
    this.#detach(user);
    if (--this.#opened === 0) this.#options.onUnused();
  }

  attach(user: OpenInformer<T>): void {
    this.#users.push(user);
    if (this.#users.length === 1) this.#reflector.start();
  }

  #detach(user: OpenInformer<T>): void {
    const at = this.#users.indexOf(user);
    if (at < 0) return;
    this.#users.splice(at, 1);
    if (this.#users.length === 0) {
      // Nobody keeps the copy up to date from here on.
      this.#reflector.stop();
      this.#reflector.forget();
      this.hasSynced = false;
    } else if (at === 0) {
      this.#reflector.start();
    }
  }

  #set(object: T): void {
    const kept = this.#options.project(object);
    const old = this.cache.get(keyOf(kept));
    // A list after an interruption repeats what is known.
    if (old && old.metadata.resourceVersion === kept.metadata.resourceVersion) return;
    if (old && old.metadata.uid !== kept.metadata.uid) this.#delete(keyOf(kept));
    const before = this.cache.set(kept);
    for (const user of [...this.#users]) {
      if (before) user.notify('updated', kept, before);
      else user.notify('added', kept);
    }
  }

  #delete(key: string): void {
    const old = this.cache.delete(key);
    if (old === undefined) return;
    for (const user of [...this.#users]) user.notify('deleted', old);
  }

  #listed(keys: ReadonlySet<string>): void {
    for (const key of [...this.cache.keys()]) if (!keys.has(key)) this.#delete(key);
    this.hasSynced = true;
    for (const user of [...this.#users]) user.onSynced();
  }

  #ended(error: Error): void {
    this.#log(ApiError.is(error, 'Expired') ? 'debug' : 'warn', 'Watch ended', error);
    const first = this.#users.shift();
    if (first) this.#users.push(first);
  }

  #log(level: LogLevel, message: string, error: unknown): void {
    this.#users[0]?.log[level](message, { resource: this.#options.request.resource, error });
  }
}

interface OpenInformerOptions extends InformerUser {
  readonly request: WatchRequest;
  readonly indexes: InformerOptions['indexes'];
}

/** One plugin's view of a shared informer. */
export class OpenInformer<T extends KubeObject> implements Informer<T> {
  readonly link: KernelLink;
  readonly log: Logger;
  readonly synced: Promise<void>;
  readonly #shared: SharedInformer<T>;
  readonly #random: Random;
  readonly #options: OpenInformerOptions;
  readonly #handlers = new Set<InformerHandlers<T>>();
  readonly #indexes = new Map<string, { valuesOf: IndexFunction<T>; index: Index<T> }>();
  readonly #closed = new AbortController();
  #resolveSynced: () => void = () => {};
  /** The kernel has allowed this plugin to read what is shared. */
  #allowed = false;

  constructor(shared: SharedInformer<T>, options: OpenInformerOptions, random: Random) {
    this.link = options.link;
    this.log = options.log;
    this.#shared = shared;
    shared.open();
    this.#options = options;
    this.#random = random;
    for (const [name, of] of Object.entries(options.indexes ?? {})) {
      // Whoever opened the informer wrote its index functions for its kind.
      const valuesOf = of as IndexFunction<T>;
      this.#indexes.set(name, { valuesOf, index: shared.cache.hold(valuesOf) });
    }
    this.synced = new Promise(resolve => {
      this.#resolveSynced = resolve;
    });
    void this.#join();
  }

  get hasSynced(): boolean {
    return this.#allowed && this.#shared.hasSynced;
  }

  get resourceVersion(): string | undefined {
    return this.#allowed ? this.#shared.resourceVersion : undefined;
  }

  get(key: string): T | undefined {
    return this.#allowed ? this.#shared.cache.get(key) : undefined;
  }

  list(namespace?: string): T[] {
    if (!this.#allowed) return [];
    const { cache } = this.#shared;
    return namespace === undefined ? [...cache.values()] : cache.inNamespace(namespace);
  }

  byIndex(name: string, value: string): T[] {
    const found = this.#indexes.get(name);
    if (found === undefined) {
      const known = [...this.#indexes.keys()].join(', ') || 'none';
      throw new Error(`Cannot look up index "${name}": the informer has ${known}`);
    }
    return this.#allowed ? found.index.find(value) : [];
  }

  on(handlers: InformerHandlers<T>): Disposer {
    const own = { ...handlers };
    this.#handlers.add(own);
    if (this.#allowed) {
      for (const object of this.#shared.cache.values()) this.#call(own, 'added', object);
    }
    return () => void this.#handlers.delete(own);
  }

  notify(change: 'added' | 'updated' | 'deleted', object: T, old?: T): void {
    for (const handlers of this.#handlers) this.#call(handlers, change, object, old);
  }

  onSynced(): void {
    this.#resolveSynced();
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#allowed = false;
    this.#handlers.clear();
    for (const { valuesOf } of this.#indexes.values()) this.#shared.cache.release(valuesOf);
    this.#shared.close(this);
  }

  async #join(): Promise<void> {
    if (!(await this.#allow())) return;
    this.#allowed = true;
    for (const handlers of this.#handlers) {
      for (const object of this.#shared.cache.values()) this.#call(handlers, 'added', object);
    }
    this.#shared.attach(this);
    if (this.#shared.hasSynced) this.#resolveSynced();
  }

  /** Asks until the kernel allows it; false: closed before. */
  async #allow(): Promise<boolean> {
    const backoff = new Backoff(this.#random, { firstMs: ALLOW_FIRST_MS, maxMs: ALLOW_MAX_MS });
    const { signal } = this.#closed;
    const { fields: _, ...target } = this.#options.request;
    while (!signal.aborted) {
      const error = await this.#ask(target);
      if (error === undefined) return !signal.aborted;
      this.log.warn('Informer is not allowed', factsOf(target, error));
      // The rejection only says that it was closed, which the loop's condition sees.
      await delay(this.#shared.clock, backoff.nextMs(), signal).catch(() => {});
    }
    return false;
  }

  async #ask({ labelSelector, fieldSelector, ...target }: WatchRequest): Promise<unknown> {
    const options = {
      ...(labelSelector && { labelSelector }),
      ...(fieldSelector && { fieldSelector }),
      limit: 1,
    };
    try {
      const [result] = await this.link.request([{ verb: 'list', ...target, options }]);
      return result?.ok ? undefined : (result?.error ?? new Error('Cannot list: no answer'));
    } catch (error) {
      return error;
    }
  }

  #call(
    handlers: InformerHandlers<T>,
    change: 'added' | 'updated' | 'deleted',
    object: T,
    old?: T,
  ): void {
    try {
      if (change === 'updated') handlers.updated?.(object, old as T);
      else handlers[change]?.(object);
    } catch (error) {
      this.log.error('Informer handler failed', { change, object: keyOf(object), error });
    }
  }
}

/** What is refused for want of a grant says which; that is no bug, so its stack would only hide it. */
function factsOf({ group, resource }: WatchRequest, error: unknown): LogFields {
  if (!ApiError.is(error, 'Forbidden')) return { resource, error };
  const rule = group ? `${group}/${resource}` : resource;
  return { resource, why: error.message, grant: `objects=list,watch@${rule}` };
}

/** The kind may be added, or the right granted, at any time. */
const ALLOW_FIRST_MS = 200;
const ALLOW_MAX_MS = 30_000;
