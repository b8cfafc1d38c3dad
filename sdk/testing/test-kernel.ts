import type { Clock } from '../clock.ts';
import type { Contribution, ExtensionPoint } from '../extension.ts';
import { apiVersionOf, type Kind, type KubeObject } from '../kind.ts';
import type { KernelLink } from '../link.ts';
import type { LogFields, LogLevel } from '../logger.ts';
import { createObjectClient } from '../object-client.ts';
import type { BatchResult, ObjectClient, ObjectWatchSink } from '../objects.ts';
import type { Random } from '../random.ts';
import type { ObjectRequest, WatchEvent, WatchRequest } from '../request.ts';
import { ApiError, expired, internalError } from '../status.ts';
import { fakeClock } from './fake-clock.ts';
import { seededRandom } from './seeded-random.ts';
import { eventFor, selects, type TestChange, TestStore } from './test-store.ts';

export interface TestKernelOptions {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What a plugin said to the log. */
export interface TestLogEntry {
  readonly plugin: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/**
 * Enough of a kernel, in memory, to test a plugin without the real one: objects with
 * resourceVersions, generation, finalizers and status kept apart; label and field selectors; merge
 * patches; watches; contributions.
 *
 * What it is not: it knows no kinds, so it does not default, validate, authorize or admit; a create
 * keeps the status it brings; a deleted pod is gone at once, without grace; strategic patches are
 * applied as merge patches; lists have no pages. What the test did not set is not there. Objects
 * that it gives out are frozen.
 */
export class TestKernel {
  /** For the test itself: like any client. */
  readonly objects: ObjectClient;
  /** Every request but those of `objects`, in order. */
  readonly requests: ObjectRequest[] = [];
  readonly logs: TestLogEntry[] = [];
  /** Asked before each plugin's request; what it returns is the answer instead. */
  fault: (request: ObjectRequest, plugin: string) => ApiError | undefined = () => undefined;
  readonly #store: TestStore;
  readonly #watchers = new Set<Watcher>();
  readonly #contributions = new Map<string, Contribution<unknown>[]>();
  readonly #subscribers = new Map<string, Set<() => void>>();

  constructor({ clock = fakeClock(), random = seededRandom() }: TestKernelOptions = {}) {
    this.#store = new TestStore({ clock, random }, change => this.#publish(change));
    this.objects = createObjectClient(this.#linkOf('', request => this.#store.request(request)));
  }

  /** A plugin's line. */
  link(plugin: string): KernelLink {
    return this.#linkOf(plugin, request => {
      this.requests.push(request);
      const fault = this.fault(request, plugin);
      if (fault) throw fault;
      return this.#store.request(request);
    });
  }

  /** Creates, at once, without a request. Returns what was stored. */
  add<T extends KubeObject>(kind: Kind<T>, ...objects: T[]): T[] {
    return objects.map(object => {
      const typed = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
      return this.#store.request({ verb: 'create', ...kind, body: typed } as ObjectRequest) as T;
    });
  }

  /** All objects of a kind, by key. */
  all<T extends KubeObject>(kind: Kind<T>): T[] {
    return this.#store.all(kind) as T[];
  }

  get<T extends KubeObject>(kind: Kind<T>, key: string): T | undefined {
    return this.#store.get(kind, key) as T | undefined;
  }

  /** Changes an object in place of whoever would: status included, without a conflict. */
  modify<T extends KubeObject>(kind: Kind<T>, key: string, change: (object: T) => void): T {
    const stored = this.get(kind, key);
    if (!stored) throw new Error(`Cannot modify ${kind.kind} "${key}": it does not exist`);
    const object = structuredClone(stored);
    change(object);
    const { namespace, name = '' } = stored.metadata;
    const request = { verb: 'update' as const, ...kind, ...(namespace && { namespace }), name };
    delete object.metadata.resourceVersion;
    const updated = this.#store.request({ ...request, body: object }) as T;
    // Taking the last finalizer away from a deleted object ends it.
    if (!this.get(kind, key)) return updated;
    return this.#store.request({ ...request, subresource: 'status', body: object }) as T;
  }

  /** Ends all watches of plugins; `Expired` makes them begin with a new list. */
  endWatches(error: Error = expired('too old resource version')): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      watcher.end(error);
    }
  }

  /** Changes, nobody being told: what happens while a watch is down. */
  silently(change: () => void): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    change();
    for (const watcher of watchers) this.#watchers.add(watcher);
  }

  /**
   * Watchers, or those of one plugin or resource, see nothing until the returned function is
   * called, then all of it: a slow line.
   */
  holdWatches({ plugin, resource }: { plugin?: string; resource?: string } = {}): () => void {
    const isMeant = (watcher: Watcher) =>
      (plugin ?? watcher.plugin) === watcher.plugin &&
      (resource ?? watcher.resource) === watcher.resource;
    const held = [...this.#watchers].filter(isMeant);
    for (const watcher of held) watcher.hold();
    return () => {
      for (const watcher of held) watcher.release();
    };
  }

  #linkOf(plugin: string, handle: (request: ObjectRequest) => unknown): KernelLink {
    return {
      request: async requests => requests.map(request => answer(request, handle)),
      watch: (request, sink) => this.#watch(request, sink, plugin),
      provide: (point, name, value) => this.#provide(point, { name, plugin, value, remote: false }),
      subscribe: (point, onChange) => this.#subscribe(point, onChange),
      log: (level, message, fields) => void this.logs.push({ plugin, level, message, fields }),
      metric() {},
    };
  }

  #watch(request: WatchRequest, sink: ObjectWatchSink<KubeObject>, plugin: string): () => void {
    const matches = selects(request.namespace, request);
    const concerns = ({ subject }: TestChange) =>
      subject.group === request.group && subject.resource === request.resource;
    const eventOf = (change: TestChange) =>
      concerns(change) ? eventFor(change, matches) : undefined;
    const watcher = new Watcher({ plugin, resource: request.resource }, sink, eventOf);
    const { resourceVersion } = request;
    if (resourceVersion === undefined) {
      for (const object of this.#store.all(request).filter(matches)) {
        watcher.send({ type: 'ADDED', object });
      }
      const metadata = { resourceVersion: this.#store.revision };
      watcher.send({ type: 'BOOKMARK', object: { metadata } });
    } else if (this.#store.hasChangedSince(request, resourceVersion)) {
      // No history is kept: whatever happened in between takes a new list.
      watcher.end(expired(`too old resource version: ${resourceVersion}`));
    }
    this.#watchers.add(watcher);
    return () => {
      watcher.close();
      this.#watchers.delete(watcher);
    };
  }

  #publish(change: TestChange): void {
    for (const watcher of this.#watchers) watcher.offer(change);
  }

  #provide<T>(point: ExtensionPoint<T>, contribution: Contribution<T>): () => void {
    const list = this.#contributions.get(point.name) ?? [];
    if (list.some(({ name }) => name === contribution.name)) {
      throw new Error(`Cannot add "${contribution.name}" to "${point.name}": the name is taken`);
    }
    this.#contribute(point.name, [...list, contribution]);
    return () => {
      const rest = (this.#contributions.get(point.name) ?? []).filter(c => c !== contribution);
      this.#contribute(point.name, rest);
    };
  }

  #contribute(point: string, contributions: Contribution<unknown>[]): void {
    this.#contributions.set(point, contributions);
    for (const notify of this.#subscribers.get(point) ?? []) notify();
  }

  #subscribe<T>(
    point: ExtensionPoint<T>,
    onChange: (contributions: readonly Contribution<T>[]) => void,
  ): () => void {
    // Only `provide` of the same point puts something there.
    const notify = () =>
      onChange((this.#contributions.get(point.name) ?? []) as readonly Contribution<T>[]);
    const subscribers = this.#subscribers.get(point.name) ?? new Set();
    this.#subscribers.set(point.name, subscribers);
    subscribers.add(notify);
    notify();
    return () => void subscribers.delete(notify);
  }
}

/** Tells its sink in a later microtask, as a message would come, and all of a moment together. */
class Watcher {
  readonly plugin: string;
  readonly resource: string;
  readonly #sink: ObjectWatchSink<KubeObject>;
  readonly #eventFor: (change: TestChange) => WatchEvent<KubeObject> | undefined;
  #queued: WatchEvent<KubeObject>[] = [];
  #ended: Error | undefined;
  #closed = false;
  #held = false;

  constructor(
    { plugin, resource }: { readonly plugin: string; readonly resource: string },
    sink: ObjectWatchSink<KubeObject>,
    eventOf: (change: TestChange) => WatchEvent<KubeObject> | undefined,
  ) {
    this.plugin = plugin;
    this.resource = resource;
    this.#sink = sink;
    this.#eventFor = eventOf;
  }

  offer(change: TestChange): void {
    const event = this.#eventFor(change);
    if (event) this.send(event);
  }

  send(event: WatchEvent<KubeObject>): void {
    if (this.#ended) return;
    if (this.#queued.length === 0) queueMicrotask(() => this.#flush());
    this.#queued.push(event);
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (this.#queued.length > 0) queueMicrotask(() => this.#flush());
  }

  end(error: Error): void {
    this.#ended = error;
    if (this.#queued.length === 0) queueMicrotask(() => this.#flush());
  }

  close(): void {
    this.#closed = true;
  }

  #flush(): void {
    if (this.#held) return;
    const events = this.#queued;
    this.#queued = [];
    if (this.#closed) return;
    if (events.length > 0) this.#sink.onEvents(events);
    if (!this.#ended) return;
    this.#closed = true;
    this.#sink.onEnd(this.#ended);
  }
}

function answer(request: ObjectRequest, handle: (request: ObjectRequest) => unknown): BatchResult {
  try {
    return { ok: true, object: handle(request) };
  } catch (error) {
    return { ok: false, error: error instanceof ApiError ? error : internalError(error) };
  }
}
