import type { KubeObject } from '../../sdk/kind.ts';
import type { Logger } from '../../sdk/logger.ts';
import { Limits } from '../limits.ts';
import type { BusEvent, WatchBus } from '../watch/bus.ts';
import type { Backend, Change, KeyValue, Transaction, Watch } from './backend.ts';
import { prefixEnd } from './backend.ts';
import { ResourceStore } from './resource-store.ts';
import { DecodedObjects, type StorageForm, StoredObject } from './stored-object.ts';

/**
 * Every object in memory, fed by the backend's watch and by nothing else: what a reader sees is
 * durable and in order. Writes go to the backend by compare-and-swap and are answered when the
 * watch has brought them back, so a client that has its answer reads its own write.
 *
 * One watch serves all resources. A resource is loaded when its kind is registered: its range is
 * read at some revision while its changes are held back, then those above that revision follow.
 */
export class ObjectStore {
  readonly #backend: Backend;
  readonly #bus: WatchBus;
  readonly #log: Logger;
  readonly #hot: DecodedObjects;
  readonly #resources = new Map<string, ResourceStore>();
  readonly #loading = new Map<string, Change[]>();
  readonly #writing = new Map<Uint8Array, Write>();
  #waiters: Waiter[] = [];
  #watch: Watch | undefined;
  #revision = 0;
  #compactedAt = 0;
  #failure: Error | undefined;

  constructor(backend: Backend, bus: WatchBus, log: Logger, { freeze = false } = {}) {
    this.#hot = new DecodedObjects({ freeze });
    this.#backend = backend;
    this.#bus = bus;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#revision = await this.#backend.revision();
    this.#compactedAt = this.#revision;
    this.#bus.start(this.#revision);
    this.#follow();
  }

  /** The newest revision that readers see. */
  get revision(): number {
    return this.#revision;
  }

  get hot(): DecodedObjects {
    return this.#hot;
  }

  /** Loads a resource; from then on it is kept up to date. The same prefix twice is one resource. */
  async register(
    prefix: string,
    namespaced: boolean,
    ...forms: StorageForm[]
  ): Promise<ResourceStore> {
    const known = this.#resources.get(prefix);
    if (known !== undefined) return known;
    const resource = new ResourceStore(prefix, namespaced, ...forms);
    const held: Change[] = [];
    this.#resources.set(prefix, resource);
    this.#loading.set(prefix, held);
    try {
      const start = `/${prefix}/`;
      const { items, revision } = await this.#backend.range(start, prefixEnd(start));
      for (const item of items) resource.set(this.#toStored(resource, item, item.value));
      this.#loading.delete(prefix);
      const later = held.filter(change => change.modRevision > revision);
      this.#bus.append(later.map(change => this.#applyTo(resource, change)).filter(isEvent));
    } catch (cause) {
      this.#resources.delete(prefix);
      this.#loading.delete(prefix);
      throw cause;
    }
    return resource;
  }

  /** Forgets the cache of a resource; the database keeps what it has. */
  unregister(prefix: string): void {
    this.#resources.delete(prefix);
  }

  /** Resolves when everything that anybody committed before this call is in the cache. */
  async sync(): Promise<void> {
    await this.waitFor(await this.#backend.revision());
  }

  waitFor(revision: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (revision <= this.#revision) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  /**
   * Puts or deletes one object if it is still at `expected` (0: does not exist). The outcome is
   * the new object (for a delete the last state, at the delete's revision), or what was found.
   */
  async write(resource: ResourceStore, write: WriteRequest): Promise<WriteOutcome> {
    const key = storageKey({ resource, key: write.key });
    const { fence } = write;
    const value = write.object && (write.value ?? resource.form.encode(write.object));
    const compare = [{ key, modRevision: write.expected }];
    if (fence) compare.push({ key: storageKey(fence), modRevision: fence.expected });
    const transaction: Transaction = {
      compare,
      operations: [value ? { put: key, value } : { delete: key }],
    };
    const pending: Write = { object: write.object };
    if (value) this.#writing.set(value, pending);
    // Taken now: the watch may bring the deletion before the commit is answered.
    const last = resource.get(write.key);
    try {
      const [result] = await this.#backend.commit([transaction]);
      if (result === undefined) throw new Error(`Backend ${this.#backend.name} gave no result`);
      if (!result.ok) {
        const [found, fenceFound] = result.found;
        return {
          ok: false,
          found: found && this.#toStored(resource, found, found.value),
          fence:
            fence && fenceFound && this.#toStored(fence.resource, fenceFound, fenceFound.value),
        };
      }
      await this.waitFor(result.revision);
      if (value === undefined) return { ok: true, stored: last?.at(result.revision) };
      const item = { key, modRevision: result.revision };
      return { ok: true, stored: pending.stored ?? this.#toStored(resource, item, value) };
    } finally {
      if (value) this.#writing.delete(value);
    }
  }

  async close(): Promise<void> {
    this.#watch?.close();
    this.#fail(new Error('The store is closed'));
    await this.#backend.close();
  }

  #follow(): void {
    this.#watch = this.#backend.watch('/registry/', this.#revision, {
      onChanges: (revision, changes) => this.#onChanges(revision, changes),
      onEnd: reason => {
        this.#log.error('The watch of the database ended', { error: reason });
        this.#fail(reason);
      },
    });
  }

  #onChanges(revision: number, changes: readonly Change[]): void {
    const events: BusEvent[] = [];
    for (const change of changes) {
      const resource = this.#resourceOf(change.key);
      if (resource === undefined) continue;
      const held = this.#loading.get(resource.prefix);
      if (held !== undefined) {
        held.push(change);
        continue;
      }
      const event = this.#applyTo(resource, change);
      if (event !== undefined) events.push(event);
    }
    this.#revision = revision;
    this.#bus.append(events, revision);
    this.#wake();
    if (revision - this.#compactedAt >= 2 * Limits.historyRevisions) this.#compact();
  }

  #applyTo(resource: ResourceStore, change: Change): BusEvent | undefined {
    const { modRevision: revision, value } = change;
    if (value === undefined) {
      const previous = resource.delete(objectKey(resource, change.key));
      return previous && { resource, revision, object: undefined, previous };
    }
    const object = this.#toStored(resource, change, value);
    const previous = resource.set(object);
    return { resource, revision, object, previous };
  }

  #toStored(
    resource: ResourceStore,
    item: Pick<KeyValue, 'key' | 'modRevision'>,
    value: Uint8Array,
  ): StoredObject {
    const { key, modRevision } = item;
    const form = resource.formOf(value);
    const tail = form.tail(value, modRevision);
    const stored = new StoredObject(objectKey(resource, key), modRevision, tail, form, this.#hot);
    const write = this.#writing.get(value);
    if (write?.stored?.revision === modRevision) return write.stored;
    if (write?.object !== undefined) {
      write.object.metadata.resourceVersion = String(modRevision);
      if (!resource.isSeldomRead) this.#hot.keep(stored, write.object);
      write.stored = stored;
    }
    return stored;
  }

  /** Keys end in `/<namespace>/<name>` or `/<name>`; what is before is the prefix. */
  #resourceOf(key: string): ResourceStore | undefined {
    const name = key.lastIndexOf('/');
    const cluster = this.#resources.get(key.slice(1, name));
    if (cluster !== undefined && !cluster.namespaced) return cluster;
    const namespaced = this.#resources.get(key.slice(1, key.lastIndexOf('/', name - 1)));
    return namespaced?.namespaced ? namespaced : undefined;
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (waiter.revision <= this.#revision) waiter.resolve();
      else this.#waiters.push(waiter);
    }
  }

  #fail(reason: Error): void {
    this.#failure ??= reason;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(reason);
  }

  #compact(): void {
    this.#compactedAt = this.#revision - Limits.historyRevisions;
    this.#backend.compact(this.#compactedAt).catch((error: unknown) => {
      this.#log.warn('Cannot compact the database', { error });
    });
  }
}

export interface WriteRequest {
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly expected: number;
  /**
   * In the storage version, without resourceVersion; absent: delete. It belongs to the store from
   * now on, and is the one that readers get.
   */
  readonly object: KubeObject | undefined;
  /** The object's encoding, where the caller has it already. */
  readonly value?: Buffer;
  /** Nothing is written unless this object is at `expected`, too. */
  readonly fence?: FenceAt;
}

export interface FenceAt {
  readonly resource: ResourceStore;
  /** As `WriteRequest.key`. */
  readonly key: string;
  readonly expected: number;
}

export type WriteOutcome =
  | { readonly ok: true; readonly stored: StoredObject | undefined }
  | {
      readonly ok: false;
      readonly found: StoredObject | undefined;
      /** What the fence was found to be, where there is one. */
      readonly fence: StoredObject | undefined;
    };

interface Write {
  readonly object: KubeObject | undefined;
  stored?: StoredObject;
}

interface Waiter {
  readonly revision: number;
  resolve(): void;
  reject(reason: Error): void;
}

function storageKey({ resource, key }: Pick<FenceAt, 'resource' | 'key'>): string {
  return `/${resource.prefix}/${key}`;
}

function objectKey(resource: ResourceStore, key: string): string {
  return key.slice(resource.prefix.length + 2);
}

function isEvent(event: BusEvent | undefined): event is BusEvent {
  return event !== undefined;
}
