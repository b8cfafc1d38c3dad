import type { EncodedObject } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { WatchEventType } from '../../sdk/request.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { BusEvent } from './bus.ts';

/** What a channel carries; equal `id`s carry the same. */
export interface ChannelSpec {
  /** Names everything below but the resource. */
  readonly id: string;
  readonly resource: ResourceStore;
  /** Empty: all. */
  readonly namespace: string;
  /** Empty: all. Objects of a namespaced resource need the namespace too. */
  readonly name: string;
  /** Absent: every object. */
  readonly matches?: (object: KubeObject) => boolean;
  /** The object in the version that the subscribers want. */
  readonly encode: (stored: StoredObject) => EncodedObject;
  /** The same as it looks at a later revision; absent: `encode` of it. */
  readonly encodeAt?: (stored: StoredObject, revision: number) => EncodedObject;
  /**
   * What must be waited for before these objects can be encoded; undefined: nothing. When it fails,
   * the channel ends.
   */
  readonly prepare?: (stored: Iterable<StoredObject>) => Promise<void> | undefined;
  /** The frame for the wire in the shape that they want, line end included. */
  readonly frame: (type: WatchEventType, object: EncodedObject) => Uint8Array;
}

/** One change as the subscribers of a channel see it. */
export interface ChannelEvent {
  readonly type: WatchEventType;
  readonly object: EncodedObject;
  readonly revision: number;
}

/** Gets a channel's changes, those of one tick together. The arrays are shared: read only. */
export interface Subscriber {
  /** `bytes()` makes all frames of the events as one piece, once for all subscribers. */
  onEvents(events: readonly ChannelEvent[], bytes: () => Uint8Array): void;
  onEnd(): void;
}

/** Subscribers who want the same changes in the same form. */
export class Channel {
  readonly spec: ChannelSpec;
  readonly #subscribers = new Set<Subscriber>();
  #pending: ChannelEvent[] = [];
  /** Changes that somebody is asked about, and those after them. */
  #waiting: BusEvent[] = [];
  #isWaiting = false;

  constructor(spec: ChannelSpec) {
    this.spec = spec;
  }

  get size(): number {
    return this.#subscribers.size;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** Takes a change of the channel's scope; whether there is something to hand over. */
  accept(event: BusEvent): boolean {
    if (this.spec.prepare && this.#mustWait(event, this.spec.prepare)) return false;
    return this.#take(event);
  }

  #take(event: BusEvent): boolean {
    const seen = this.#toChannelEvent(event);
    if (seen === undefined) return false;
    this.#pending.push(seen);
    return true;
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const events = this.#pending;
    this.#pending = [];
    let bytes: Uint8Array | undefined;
    const encode = () => {
      bytes ??= this.#encode(events);
      return bytes;
    };
    for (const subscriber of [...this.#subscribers]) subscriber.onEvents(events, encode);
  }

  end(): void {
    this.#waiting = [];
    this.flush();
    for (const subscriber of [...this.#subscribers]) subscriber.onEnd();
    this.#subscribers.clear();
  }

  /**
   * An object that begins to match is ADDED, one that no longer does is DELETED with its last
   * matching state at the new revision, as kube-apiserver's watch cache tells it.
   */
  #toChannelEvent({ object, previous, revision }: BusEvent): ChannelEvent | undefined {
    const { matches, encode } = this.spec;
    // Fields are selected in the version that is asked for, as a list does it.
    const fits = (stored: StoredObject) =>
      matches === undefined || matches(encode(stored).object());
    const is = object !== undefined && fits(object);
    const was = previous !== undefined && fits(previous);
    if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: encode(object), revision };
    if (!was) return undefined;
    const last = this.spec.encodeAt?.(previous, revision) ?? encode(previous.at(revision));
    return { type: 'DELETED', object: last, revision };
  }

  /** The order of changes is kept: one that waits holds up all after it. */
  #mustWait(event: BusEvent, prepare: Prepare): boolean {
    if (!this.#isWaiting) {
      const pending = prepare(objectsOf([event]));
      if (pending === undefined) return false;
      void this.#drain(pending, prepare);
    }
    this.#waiting.push(event);
    return true;
  }

  async #drain(first: Promise<void>, prepare: Prepare): Promise<void> {
    this.#isWaiting = true;
    let pending: Promise<void> | undefined = first;
    try {
      do {
        await pending;
        // What came meanwhile may need to be asked about, too.
        pending = prepare(objectsOf(this.#waiting));
      } while (pending);
      for (const event of this.#waiting.splice(0)) this.#take(event);
      this.#isWaiting = false;
      this.flush();
    } catch {
      // Who watches may begin again, and is told then why that is not possible.
      this.#isWaiting = false;
      this.end();
    }
  }

  #encode(events: readonly ChannelEvent[]): Uint8Array {
    const frames = events.map(event => this.spec.frame(event.type, event.object));
    return frames.length === 1 && frames[0] ? frames[0] : Buffer.concat(frames);
  }
}

type Prepare = NonNullable<ChannelSpec['prepare']>;

/** What changes made of objects, and of what. */
export function objectsOf(events: readonly BusEvent[]): StoredObject[] {
  return events
    .flatMap(({ object, previous }) => [object, previous])
    .filter(each => each !== undefined);
}
