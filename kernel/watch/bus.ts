import { Limits } from '../limits.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import type { StoredObject } from '../store/stored-object.ts';
import { Channel, type ChannelSpec, type Subscriber } from './channel.ts';

/** One change of one object, as the store applied it. */
export interface BusEvent {
  readonly resource: ResourceStore;
  readonly revision: number;
  /** Undefined: it was deleted. */
  readonly object: StoredObject | undefined;
  /** Undefined: it was created. */
  readonly previous: StoredObject | undefined;
}

/**
 * The one ordered log of changes. Subscribers that want the same things the same way share a
 * channel, in which every change is matched and encoded once however many there are. The newest
 * changes are kept, so that a subscriber can start from an older revision without a gap.
 */
export class WatchBus {
  readonly #channels = new Map<ResourceStore, ResourceChannels>();
  #window: BusEvent[] = [];
  #windowBytes = 0;
  #dropped = 0;
  /** Everything after this revision is in the window. */
  #since = 0;
  #revision = 0;
  #dirty = new Set<Channel>();

  /** Begins at a revision: nothing before it can be watched. */
  start(revision: number): void {
    this.#since = revision;
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The oldest revision that a subscriber can start after. */
  get since(): number {
    return this.#since;
  }

  /** Appends changes in revision order; `revision` is how far everything is known now. */
  append(events: readonly BusEvent[], revision = this.#revision): void {
    for (const event of events) {
      this.#window.push(event);
      this.#windowBytes += sizeOf(event);
      for (const channel of this.#channels.get(event.resource)?.interestedIn(event) ?? []) {
        if (channel.accept(event)) this.#touch(channel);
      }
    }
    this.#revision = Math.max(this.#revision, revision);
    this.#trim();
  }

  /** Whether a subscriber can start after `revision`. */
  remembers(revision: number): boolean {
    return revision >= this.#since;
  }

  /** The changes of a resource after `revision`, oldest first. */
  *changes(resource: ResourceStore, revision: number): Generator<BusEvent, void, undefined> {
    for (let i = this.#indexAfter(revision); i < this.#window.length; i++) {
      const event = this.#window[i];
      if (event?.resource === resource) yield event;
    }
  }

  /**
   * Adds a subscriber that gets every change after `revision`, which the window must remember.
   * What happened since is handed over before this returns; the caller has the rest of the past.
   */
  subscribe(spec: ChannelSpec, revision: number, subscriber: Subscriber): () => void {
    const channels = this.#channelsOf(spec.resource);
    const channel = channels.get(spec) ?? channels.add(spec);
    channel.flush();
    if (revision < this.#revision) {
      const replay = new Channel(spec);
      replay.add(subscriber);
      for (const event of this.changes(spec.resource, revision)) replay.accept(event);
      replay.flush();
    }
    channel.add(subscriber);
    return () => {
      channel.remove(subscriber);
      if (channel.size === 0) channels.remove(channel);
    };
  }

  /** Hands over now what waits for the end of the tick. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const channel of dirty) channel.flush();
  }

  /** Ends every subscription of a resource that is no longer served. */
  endAll(resource: ResourceStore): void {
    for (const channel of this.#channels.get(resource)?.all() ?? []) channel.end();
    this.#channels.delete(resource);
  }

  close(): void {
    for (const resource of [...this.#channels.keys()]) this.endAll(resource);
  }

  #channelsOf(resource: ResourceStore): ResourceChannels {
    let channels = this.#channels.get(resource);
    if (channels === undefined) {
      channels = new ResourceChannels();
      this.#channels.set(resource, channels);
    }
    return channels;
  }

  /** Channels hand over at the end of the tick: the changes of one group commit go together. */
  #touch(channel: Channel): void {
    if (this.#dirty.size === 0) queueMicrotask(() => this.flush());
    this.#dirty.add(channel);
  }

  #trim(): void {
    const window = this.#window;
    while (this.#exceeds(window.length - this.#dropped)) {
      const event = window[this.#dropped];
      if (event === undefined) break;
      this.#since = event.revision;
      this.#windowBytes -= sizeOf(event);
      this.#dropped++;
    }
    // Moving the array for every event would cost its length; half of it at a time costs nothing.
    if (this.#dropped > window.length / 2) {
      this.#window = window.slice(this.#dropped);
      this.#dropped = 0;
    }
  }

  #exceeds(events: number): boolean {
    return events > Limits.busWindowEvents || this.#windowBytes > Limits.busWindowBytes;
  }

  #indexAfter(revision: number): number {
    let low = this.#dropped;
    let high = this.#window.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#window[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The channels of one resource, found by what a change is about rather than one by one. */
class ResourceChannels {
  readonly #byScope = new Map<string, Map<string, Channel>>();

  get(spec: ChannelSpec): Channel | undefined {
    return this.#byScope.get(scopeOf(spec))?.get(spec.id);
  }

  add(spec: ChannelSpec): Channel {
    const channel = new Channel(spec);
    const scope = scopeOf(spec);
    const channels = this.#byScope.get(scope);
    if (channels === undefined) this.#byScope.set(scope, new Map([[spec.id, channel]]));
    else channels.set(spec.id, channel);
    return channel;
  }

  remove(channel: Channel): void {
    const scope = scopeOf(channel.spec);
    const channels = this.#byScope.get(scope);
    if (channels?.get(channel.spec.id) !== channel) return;
    channels.delete(channel.spec.id);
    if (channels.size === 0) this.#byScope.delete(scope);
  }

  *interestedIn(event: BusEvent): Generator<Channel, void, undefined> {
    const key = (event.object ?? event.previous)?.key ?? '';
    const slash = key.indexOf('/');
    yield* this.#byScope.get('')?.values() ?? [];
    if (slash > 0) yield* this.#byScope.get(key.slice(0, slash + 1))?.values() ?? [];
    yield* this.#byScope.get(key)?.values() ?? [];
  }

  *all(): Generator<Channel, void, undefined> {
    for (const channels of this.#byScope.values()) yield* channels.values();
  }
}

/** `''` for everything, `namespace/` for a namespace, the object's key for one object. */
function scopeOf({ namespace, name }: ChannelSpec): string {
  const prefix = namespace ? `${namespace}/` : '';
  return name ? prefix + name : prefix;
}

function sizeOf(event: BusEvent): number {
  return (
    EVENT_OVERHEAD_BYTES + (event.previous?.tail.length ?? 0) + (event.object?.tail.length ?? 0)
  );
}

const EVENT_OVERHEAD_BYTES = 100;
