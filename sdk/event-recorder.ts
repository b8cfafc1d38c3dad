import { Event, type EventSource } from './api/types-core-v1.ts';
import { type Clock, delay, toTime } from './clock.ts';
import type { EventRecorder, EventType } from './events.ts';
import type { KubeObject } from './kind.ts';
import type { Logger } from './logger.ts';
import { createRequest, patchRequest } from './object-requests.ts';
import type { BatchResult, ObjectClient } from './objects.ts';
import type { Random } from './random.ts';
import { TokenBucket } from './token-bucket.ts';

export interface EventRecorderOptions {
  readonly objects: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `source.component` of its Events. */
  readonly component: string;
}

/**
 * Correlates as client-go does: the same event again is counted on the Event that exists; many
 * that differ only in their message become one; and each object has a budget. One batch of writes
 * is under way at a time, and what happens meanwhile is counted into the next.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const correlator = new Correlator(options);
  const writer = new Writer(options);
  return {
    event(about, type, reason, message, source) {
      const record = correlator.observe(about, {
        type,
        reason,
        message,
        source: { component: options.component, ...source },
      });
      if (record) writer.enqueue(record);
    },
  };
}

interface Occurrence {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
  readonly source: EventSource;
}

/** One Event as it should be. */
interface EventRecord {
  readonly event: Event;
  /** It has been created, so a change of its count is a patch. */
  written: boolean;
}

class Correlator {
  readonly #options: EventRecorderOptions;
  readonly #records = new Recent<EventRecord>();
  readonly #similar = new Recent<{ messages: Set<string>; lastAt: number }>();
  readonly #budgets = new Recent<TokenBucket>();
  #lastNanoseconds = 0n;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** The Event to write, or undefined when the object's budget is spent. */
  observe(about: KubeObject, occurrence: Occurrence): EventRecord | undefined {
    const { clock } = this.#options;
    const { uid, namespace, name } = about.metadata;
    const { component, host } = occurrence.source;
    const object = JSON.stringify([component, host, about.kind, namespace, name, uid]);
    const budget = this.#budgets.get(object, () => new TokenBucket(clock, OBJECT_BUDGET));
    if (!budget.take()) return undefined;

    const kindOfEvent = `${object}${occurrence.type}/${occurrence.reason}`;
    const aggregated = this.#isAggregated(kindOfEvent, occurrence.message);
    const message = aggregated
      ? `(combined from similar events): ${occurrence.message}`
      : occurrence.message;
    const key = aggregated ? kindOfEvent : `${kindOfEvent}/${message}`;
    const known = this.#records.peek(key);
    const record = known ?? { event: this.#newEvent(about, occurrence), written: false };
    record.event.message = message;
    record.event.count = (record.event.count ?? 0) + 1;
    record.event.lastTimestamp = toTime(clock.now());
    this.#records.put(key, record);
    return record;
  }

  #isAggregated(kindOfEvent: string, message: string): boolean {
    const now = this.#options.clock.now();
    const similar = this.#similar.get(kindOfEvent, () => ({ messages: new Set(), lastAt: now }));
    if (now - similar.lastAt > SIMILAR_WINDOW_MS) similar.messages.clear();
    similar.lastAt = now;
    if (similar.messages.has(message)) return false;
    if (similar.messages.size >= SIMILAR_MAX - 1) return true;
    similar.messages.add(message);
    return false;
  }

  #newEvent(about: KubeObject, { type, reason, source }: Occurrence): Event {
    const { namespace, name = '', uid, resourceVersion } = about.metadata;
    const now = toTime(this.#options.clock.now());
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${this.#nanoseconds()}`, namespace: namespace || 'default' },
      involvedObject: {
        ...(about.kind && { kind: about.kind }),
        ...(about.apiVersion && { apiVersion: about.apiVersion }),
        ...(namespace && { namespace }),
        name,
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      },
      reason,
      source,
      firstTimestamp: now,
      type,
      reportingComponent: source.component ?? '',
      reportingInstance: source.host ?? '',
    };
  }

  /** The time in hex, the part below a millisecond by chance; never twice the same. */
  #nanoseconds(): string {
    const { clock, random } = this.#options;
    const now = BigInt(clock.now()) * 1_000_000n + BigInt(random.integer(1_000_000));
    const last = this.#lastNanoseconds;
    this.#lastNanoseconds = now > last ? now : last + 1n;
    return this.#lastNanoseconds.toString(16);
  }
}

class Writer {
  readonly #options: EventRecorderOptions;
  readonly #queued = new Set<EventRecord>();
  #writing = false;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  enqueue(record: EventRecord): void {
    if (this.#queued.size >= QUEUE_MAX && !this.#queued.has(record)) {
      this.#dropped++;
      return;
    }
    this.#queued.add(record);
    if (this.#writing) return;
    this.#writing = true;
    // Not before the tick's end, so that what comes together is written together.
    queueMicrotask(() => void this.#write());
  }

  async #write(): Promise<void> {
    const { clock } = this.#options;
    while (this.#queued.size > 0) {
      const records = this.#take();
      const began = clock.monotonic();
      try {
        const results = await this.#options.objects.batch(records.map(toRequest));
        for (const [i, record] of records.entries()) this.#written(record, results[i]);
      } catch (error) {
        this.#options.log.warn('Events not written', { count: records.length, error });
      }
      if (this.#queued.size > 0) await this.#yield(clock.monotonic() - began);
    }
    this.#writing = false;
    if (this.#dropped === 0) return;
    this.#options.log.warn('Events dropped: too many waited', { count: this.#dropped });
    this.#dropped = 0;
  }

  /**
   * How long a batch took says how busy the server is with what matters more than Events: they take
   * a quarter of its turns at most, unless so many wait that some would be dropped.
   */
  async #yield(tookMs: number): Promise<void> {
    if (tookMs <= 0 || this.#queued.size > QUEUE_MAX / 2) return;
    await delay(this.#options.clock, Math.min(3 * tookMs, YIELD_MAX_MS));
  }

  /** The oldest, a few: who writes what matters more does not wait for many Events. */
  #take(): EventRecord[] {
    const records: EventRecord[] = [];
    for (const record of this.#queued) {
      records.push(record);
      this.#queued.delete(record);
      if (records.length === BATCH_MAX) break;
    }
    return records;
  }

  #written(record: EventRecord, result: BatchResult | undefined): void {
    if (result === undefined || result.ok) {
      record.written = true;
      return;
    }
    const { error } = result;
    if (record.written && error.reason === 'NotFound') {
      // It has run out of its time to live: begin another, with the count it has now.
      record.written = false;
      this.enqueue(record);
      return;
    }
    const { reason, message } = record.event;
    // In a namespace that is going nothing new can be written, and nobody will look.
    const isGoing = error.status.details?.causes?.some(each => each.reason === TERMINATING);
    this.#options.log[isGoing ? 'debug' : 'warn']('Event not written', { reason, message, error });
  }
}

function toRequest({ event, written }: EventRecord) {
  // Only members of the Event itself change while it is on its way.
  if (!written) return createRequest(Event, { ...event });
  const { count, lastTimestamp, message, metadata } = event;
  const key = { namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
  return patchRequest(Event, key, { count, lastTimestamp, message });
}

/** Forgets what was not used for longest when there is too much. */
class Recent<V> {
  readonly #entries = new Map<string, V>();

  peek(key: string): V | undefined {
    return this.#entries.get(key);
  }

  get(key: string, make: () => V): V {
    const value = this.#entries.get(key) ?? make();
    this.put(key, value);
    return value;
  }

  put(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= RECENT_MAX) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}

/** client-go's own numbers: a burst of 25 about one object, then one in five minutes. */
const OBJECT_BUDGET = { burst: 25, perSecond: 1 / 300 };
/** client-go's: from so many different messages on, with no longer pause than this, one tells all. */
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_MS = 600_000;
/** client-go's: objects and events that are remembered. */
const RECENT_MAX = 4_096;
/** So many Events are written at a time: some 10 ms of the kernel's thread. */
const BATCH_MAX = 50;
/** Nobody waits longer for an Event that there is time for. */
const YIELD_MAX_MS = 500;
/** Some 20 MB, and half a minute of writing; beyond that Events are not worth memory. */
const QUEUE_MAX = 20_000;

/** The cause of a Forbidden. */
const TERMINATING = 'NamespaceTerminating';
