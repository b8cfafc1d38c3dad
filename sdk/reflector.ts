import { Backoff } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import { type KubeObject, keyOf } from './kind.ts';
import type { KernelLink } from './link.ts';
import type { Random } from './random.ts';
import type { WatchEvent, WatchRequest } from './request.ts';
import { ApiError } from './status.ts';

export interface ReflectorOptions<T> {
  readonly request: WatchRequest;
  readonly clock: Clock;
  readonly random: Random;
  /** Asked before each watch. Undefined: nobody may watch now; `start` is called again later. */
  readonly link: () => KernelLink | undefined;
  readonly sink: ReflectorSink<T>;
}

export interface ReflectorSink<T> {
  set(object: T): void;
  delete(key: string): void;
  /** A whole list is in. Its keys, so that what it lacks can be taken away. */
  listed(keys: ReadonlySet<string>): void;
  /** A watch ended without being asked to. The next one begins later. */
  onEnd(error: Error): void;
  /** An event could not be used. */
  onError(error: unknown): void;
}

/**
 * Keeps somebody's copy of a resource up to date: list and watch in one, again from the last
 * revision seen when the watch ends, again from a new list when that revision is forgotten, and
 * with growing waits between failures.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  /** The revision to go on from; undefined: a list is needed. */
  #resourceVersion: string | undefined;
  /** Keys of the list that is coming in; undefined: past it. */
  #listing: Set<string> | undefined;
  #cancelWatch: (() => void) | undefined;
  #retry: Timer | undefined;
  /** Tells a watch that was given up from the one that runs. */
  #generation = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(options.random, { firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS });
  }

  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  /** Begins, or begins again through the link that is now given, without losing anything. */
  start(): void {
    this.stop();
    const link = this.#options.link();
    if (link === undefined) return;
    const generation = this.#generation;
    const resourceVersion = this.#resourceVersion;
    this.#listing = resourceVersion === undefined ? new Set() : undefined;
    const cancel = link.watch(
      { ...this.#options.request, ...(resourceVersion !== undefined && { resourceVersion }) },
      {
        onEvents: events => {
          if (generation === this.#generation) this.#apply(events as readonly WatchEvent<T>[]);
        },
        onEnd: error => {
          if (generation === this.#generation) this.#ended(error);
        },
      },
    );
    // The watch may have ended, and another begun, while it was opened.
    if (generation === this.#generation) this.#cancelWatch = cancel;
    else cancel();
  }

  /** `start` goes on from where this was. */
  stop(): void {
    this.#generation++;
    this.#retry?.cancel();
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  /** The next `start` is from a new list. */
  forget(): void {
    this.#resourceVersion = undefined;
  }

  #apply(events: readonly WatchEvent<T>[]): void {
    this.#backoff.reset();
    for (const { type, object } of events) {
      try {
        this.#applyOne(type, object);
      } catch (error) {
        this.#options.sink.onError(error);
      }
    }
  }

  #applyOne(type: WatchEvent<T>['type'], object: T): void {
    const { sink } = this.#options;
    if (type === 'BOOKMARK') {
      const listed = this.#listing;
      this.#listing = undefined;
      this.#resourceVersion = object.metadata.resourceVersion;
      if (listed) sink.listed(listed);
      return;
    }
    // Objects of a list come in key order, not by revision: only its bookmark is to go on from.
    if (this.#listing) this.#listing.add(keyOf(object));
    else this.#resourceVersion = object.metadata.resourceVersion;
    if (type === 'DELETED') sink.delete(keyOf(object));
    else sink.set(object);
  }

  #ended(error: Error): void {
    this.stop();
    if (ApiError.is(error) && error.code === GONE) this.forget();
    this.#options.sink.onEnd(error);
    this.#retry = this.#options.clock.setTimeout(() => this.start(), this.#backoff.nextMs());
  }
}

/** Expired and Gone: the revision to go on from is forgotten. */
const GONE = 410;
/** A restarted kernel or host is back within this. */
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 30_000;
