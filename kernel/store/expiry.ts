import type { Clock, Timer } from '../../sdk/clock.ts';
import type { Logger } from '../../sdk/logger.ts';
import type { WatchBus } from '../watch/bus.ts';
import type { ChannelEvent } from '../watch/channel.ts';
import type { ObjectStore } from './object-store.ts';
import type { ResourceStore } from './resource-store.ts';

export interface ExpiryOptions {
  readonly objects: ObjectStore;
  readonly bus: WatchBus;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Removes the objects of a resource a while after their last write. All of a resource live equally
 * long, so the one that was written first goes first: a queue in the order of writes and one timer
 * for its head, whatever their number.
 */
export class Expiry {
  readonly #options: ExpiryOptions;
  readonly #resource: ResourceStore;
  readonly #ttlMs: number;
  /** Key -> when it goes, in the order of writes. */
  readonly #queue = new Map<string, number>();
  readonly #unsubscribe: () => void;
  #timer: Timer | undefined;
  #closed = false;

  constructor(resource: ResourceStore, ttlMs: number, options: ExpiryOptions) {
    this.#options = options;
    this.#resource = resource;
    this.#ttlMs = ttlMs;
    const { bus } = options;
    for (const stored of [...resource.scan('')].sort((a, b) => a.revision - b.revision)) {
      // Of an object that was there before, only its creation is known.
      const created = Date.parse(stored.object().metadata.creationTimestamp ?? '');
      this.#queue.set(stored.key, (Number.isNaN(created) ? options.clock.now() : created) + ttlMs);
    }
    const channel = {
      id: `expiry ${ttlMs}`,
      resource,
      namespace: '',
      name: '',
      encode: (stored: ChannelEvent['object']) => stored,
      frame: () => NOTHING,
    };
    this.#unsubscribe = bus.subscribe(channel, bus.revision, {
      onEvents: events => this.#onEvents(events),
      onEnd: () => this.close(),
    });
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#unsubscribe();
  }

  #onEvents(events: readonly ChannelEvent[]): void {
    for (const { type, object } of events) {
      const { namespace, name = '' } = object.object().metadata;
      const key = namespace ? `${namespace}/${name}` : name;
      this.#queue.delete(key);
      if (type !== 'DELETED') this.#queue.set(key, this.#options.clock.now() + this.#ttlMs);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const [head] = this.#queue;
    if (head === undefined) return;
    const { clock, log } = this.#options;
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#removeExpired()
          .catch((error: unknown) => log.warn('Cannot remove what has expired', { error }))
          .finally(() => this.#schedule());
      },
      Math.max(RETRY_MS_MIN, head[1] - clock.now()),
    );
    this.#timer.unref();
  }

  async #removeExpired(): Promise<void> {
    const now = this.#options.clock.now();
    const due: string[] = [];
    for (const [key, at] of this.#queue) {
      if (at > now) break;
      due.push(key);
    }
    for (const key of due) this.#queue.delete(key);
    await Promise.all(due.map(key => this.#remove(key)));
  }

  /** One that was written meanwhile lives on: its change puts it back into the queue. */
  async #remove(key: string): Promise<void> {
    const stored = this.#resource.get(key);
    if (stored === undefined) return;
    const write = { key, expected: stored.revision, object: undefined };
    await this.#options.objects.write(this.#resource, write);
  }
}

const NOTHING = new Uint8Array();
/** After a failure the same head is due at once again. */
const RETRY_MS_MIN = 100;
