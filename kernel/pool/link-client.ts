import type { Clock } from '../../sdk/clock.ts';
import type { Contribution, Disposer, ExtensionPoint } from '../../sdk/extension.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { KernelLink, MetricRecord } from '../../sdk/link.ts';
import type { LogFields, LogLevel } from '../../sdk/logger.ts';
import type { BatchResult, ObjectWatchSink } from '../../sdk/objects.ts';
import type { ObjectRequest, WatchEvent, WatchRequest } from '../../sdk/request.ts';
import { ApiError, internalError } from '../../sdk/status.ts';
import type { Channel } from './channel.ts';
import { GatheredMetrics } from './gathered-metrics.ts';
import { PoolLimits } from './limits.ts';
import {
  CalleeMailbox,
  CallerMailbox,
  type SharedMemory,
  type SharedPart,
} from './shared-mailbox.ts';
import {
  decodeFrame,
  decodeText,
  EVENT_TYPES,
  type KernelMessage,
  Outbox,
  type Payload,
  type PluginMessage,
  type WireContribution,
  type WireDefinition,
} from './wire.ts';
import { fromWireError, toWireError } from './wire-error.ts';

export interface LinkClientOptions {
  readonly channel: Channel;
  readonly codec: ValueCodec;
  readonly clock: Clock;
  /** What the plugins of this host provide, by id; shared by their links. */
  readonly provided: Map<number, ProvidedValue>;
}

/** Structured clones as bytes. */
export interface ValueCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

export interface ProvidedValue {
  readonly value: unknown;
  readonly methods: readonly string[];
}

/** A plugin's `KernelLink` over a channel. Trusts the kernel. */
export class LinkClient implements KernelLink {
  readonly #codec: ValueCodec;
  readonly #provided: Map<number, ProvidedValue>;
  readonly #outbox: Outbox<PluginMessage>;
  readonly #metrics: GatheredMetrics;
  readonly #requests = new Map<number, Settle<BatchResult[]>>();
  readonly #watches = new Map<number, ObjectWatchSink<KubeObject>>();
  readonly #subscriptions = new Map<number, (list: readonly Contribution<unknown>[]) => void>();
  readonly #calls = new Map<number, PendingCall>();
  /** By the number of their memory. */
  readonly #mailboxes = new Map<number, CallerMailbox>();
  readonly #calleeMailboxes = new Map<number, CalleeMailbox>();
  /** What can be called, by subscription: its ref, and the memory for it. */
  readonly #callable = new Map<number, Map<number, number>>();
  #idLast = 0;

  constructor({ channel, codec, clock, provided }: LinkClientOptions) {
    this.#codec = codec;
    this.#provided = provided;
    this.#outbox = new Outbox(frame => channel.send(frame), PoolLimits.frameBytesMax);
    this.#metrics = new GatheredMetrics(clock, metrics =>
      this.#outbox.push({ type: 'metrics', metrics }),
    );
    channel.receive(frame => {
      if (frame instanceof ArrayBuffer) this.#receive(frame);
      else this.#share(frame as SharedMemory);
    });
  }

  /** Answers a command, after all that was sent before. */
  done(work: Promise<WireDefinition | undefined>): void {
    const answer = (outcome: Omit<PluginMessage & { type: 'done' }, 'type'>) => {
      this.#metrics.flush();
      this.#outbox.push({ type: 'done', ...outcome });
    };
    work.then(
      definition => answer(definition ? { definition } : {}),
      error => answer({ error: toWireError(error) }),
    );
  }

  request(requests: readonly ObjectRequest[]): Promise<BatchResult[]> {
    const id = ++this.#idLast;
    return new Promise((resolve, reject) => {
      this.#outbox.push({ type: 'request', id, requests });
      this.#requests.set(id, { resolve, reject });
    });
  }

  watch(request: WatchRequest, sink: ObjectWatchSink<KubeObject>): () => void {
    const id = ++this.#idLast;
    this.#watches.set(id, sink);
    this.#outbox.push({ type: 'watch', id, request });
    return () => {
      if (this.#watches.delete(id)) this.#outbox.push({ type: 'unwatch', id });
    };
  }

  provide<T>(point: ExtensionPoint<T>, name: string, value: T): Disposer {
    const methods = point.methods.filter(method => typeof value[method] === 'function');
    const data = this.#encodeProvided(point, value, methods);
    // Unique in the host, not only on this line: subscribers of the same host find it by its id.
    providedLast += 1;
    const id = providedLast;
    this.#provided.set(id, { value, methods });
    const { combine } = point;
    this.#outbox.push(
      {
        type: 'provide',
        id,
        point: { name: point.name, combine, methods: point.methods },
        name,
        methods,
        bytes: data.length,
      },
      data,
    );
    return () => {
      if (this.#provided.delete(id)) this.#outbox.push({ type: 'unprovide', id });
    };
  }

  subscribe<T>(
    point: ExtensionPoint<T>,
    onChange: (contributions: readonly Contribution<T>[]) => void,
  ): Disposer {
    const id = ++this.#idLast;
    this.#subscriptions.set(id, onChange as (list: readonly Contribution<unknown>[]) => void);
    const { name, combine, methods } = point;
    this.#outbox.push({ type: 'subscribe', id, point: { name, combine, methods } });
    return () => {
      if (!this.#subscriptions.delete(id)) return;
      this.#setCallable(id, []);
      this.#outbox.push({ type: 'unsubscribe', id });
    };
  }

  log(level: LogLevel, message: string, fields: LogFields): void {
    this.#outbox.push({
      type: 'log',
      level,
      message: String(message),
      fields: plainFields(fields),
    });
  }

  metric(record: MetricRecord): void {
    if (Number.isFinite(record.value)) this.#metrics.add(record);
  }

  #encodeProvided<T>(point: ExtensionPoint<T>, value: T, methods: readonly string[]): Uint8Array {
    const isObject = typeof value === 'object' && value !== null;
    const fields = isObject ? Object.entries(value) : [];
    const local = fields.find(([name, field]) => {
      return typeof field === 'function' && !methods.includes(name);
    });
    if (local) {
      throw new Error(
        `Cannot provide to "${point.name}" from another thread: its "${local[0]}" works only in ` +
          'the kernel thread; place the plugin "inline"',
      );
    }
    const data = Object.fromEntries(fields.filter(([, field]) => typeof field !== 'function'));
    return this.#codec.encode(isObject ? data : value);
  }

  #receive(frame: ArrayBuffer): void {
    const { messages, payload } = decodeFrame(frame);
    for (const message of messages as KernelMessage[]) this.#take(message, payload);
  }

  #take(message: KernelMessage, payload: Payload): void {
    switch (message.type) {
      case 'results': {
        const results = message.results.map((result): BatchResult => {
          if (result.ok) return new LazyResult(payload.take(result.bytes));
          return { ok: false, error: asApiError(fromWireError(result.error)) };
        });
        take(this.#requests, message.id)?.resolve(results);
        break;
      }
      case 'cut':
        take(this.#requests, message.id)?.reject(fromWireError(message.error));
        break;
      case 'events':
        this.#events(message.id, message.events, payload);
        break;
      case 'watch-end':
        take(this.#watches, message.id)?.onEnd(fromWireError(message.error));
        break;
      case 'contributions': {
        const list = message.list.flatMap(head =>
          this.#contribution(head, payload.take(head.bytes)),
        );
        if (this.#subscriptions.has(message.id)) this.#setCallable(message.id, message.list);
        this.#subscriptions.get(message.id)?.(list);
        break;
      }
      case 'call':
        void this.#serve(message, payload.take(message.bytes));
        break;
      case 'return':
        this.#return(message, payload.take(message.bytes));
        break;
      case 'throw': {
        const call = take(this.#calls, message.id);
        release(call);
        call?.reject(fromWireError(message.error));
        break;
      }
      case 'unshare':
        this.#calleeMailboxes.delete(message.memory);
        break;
    }
  }

  #events(id: number, flat: readonly number[], payload: Payload): void {
    const events: WatchEvent<KubeObject>[] = [];
    let size = 0;
    for (let i = 0; i < flat.length; i += 2) {
      const length = flat[i + 1] as number;
      const type = EVENT_TYPES[flat[i] as number] as WatchEvent<KubeObject>['type'];
      events.push(new LazyEvent(type, payload.take(length)));
      size += length;
    }
    const sink = this.#watches.get(id);
    if (!sink) return;
    try {
      sink.onEvents(events);
    } finally {
      this.#outbox.push({ type: 'ack', id, size });
    }
  }

  /** None for what this host has taken back meanwhile. */
  #contribution(head: WireContribution, data: Uint8Array): Contribution<unknown>[] {
    const { name, plugin } = head;
    if (head.provided !== 0) {
      const own = this.#provided.get(head.provided);
      return own ? [{ name, plugin, value: own.value, remote: false }] : [];
    }
    const value = this.#codec.decode(data) ?? {};
    for (const method of head.methods) {
      Object.defineProperty(value, method, {
        enumerable: true,
        value: (...args: unknown[]) => this.#call(head.ref, method, args),
      });
    }
    return [{ name, plugin, value, remote: true }];
  }

  async #call(ref: number, method: string, args: unknown[]): Promise<unknown> {
    const bytes = this.#codec.encode(args);
    const id = ++this.#idLast;
    const mailbox = bytes.length < PoolLimits.sharedCallBytesMin ? undefined : this.#mailbox(ref);
    const shared = mailbox?.put(bytes);
    return new Promise((resolve, reject) => {
      if (mailbox && shared) {
        this.#outbox.push({ type: 'call', id, ref, method, bytes: 0, shared });
        this.#calls.set(id, { resolve, reject, mailbox, shared });
        return;
      }
      this.#outbox.push({ type: 'call', id, ref, method, bytes: bytes.length }, bytes);
      this.#calls.set(id, { resolve, reject });
    });
  }

  #mailbox(ref: number): CallerMailbox | undefined {
    for (const refs of this.#callable.values()) {
      const memory = refs.get(ref);
      if (memory !== undefined) return this.#mailboxes.get(memory);
    }
    return undefined;
  }

  #return(message: KernelMessage & { type: 'return' }, payload: Uint8Array): void {
    const call = take(this.#calls, message.id);
    if (!call) return;
    try {
      const { mailbox, shared } = call;
      const isShared = message.length !== undefined && mailbox && shared;
      const bytes = isShared ? mailbox.takeAnswer(shared, message.length) : payload;
      call.resolve(this.#codec.decode(bytes));
    } catch (error) {
      call.reject(error instanceof Error ? error : new Error(String(error)));
    } finally {
      release(call);
    }
  }

  /** Between two plugins' threads, from the kernel. */
  #share({ memory, ref, buffer }: SharedMemory): void {
    if (ref === 0) {
      this.#calleeMailboxes.set(memory, new CalleeMailbox(buffer));
      return;
    }
    // The list that the ref is of may be old by now: the next one has the number again.
    this.#mailboxes.set(memory, new CallerMailbox(buffer));
    for (const refs of this.#callable.values()) if (refs.has(ref)) refs.set(ref, memory);
  }

  /** What is in no list any more needs no memory. */
  #setCallable(subscription: number, list: readonly WireContribution[]): void {
    if (list.length === 0) this.#callable.delete(subscription);
    else this.#callable.set(subscription, new Map(list.map(({ ref, memory }) => [ref, memory])));
    if (this.#mailboxes.size === 0) return;
    const used = new Set([...this.#callable.values()].flatMap(refs => [...refs.values()]));
    for (const memory of this.#mailboxes.keys()) {
      if (!used.has(memory)) this.#mailboxes.delete(memory);
    }
  }

  async #serve(call: KernelMessage & { type: 'call' }, payload: Uint8Array): Promise<void> {
    const { id, shared } = call;
    try {
      const mailbox = shared && this.#calleeMailboxes.get(shared.memory);
      if (shared && !mailbox) throw new Error(`Cannot call "${call.method}": no memory is shared`);
      const args = this.#codec.decode(shared && mailbox ? mailbox.takeArgs(shared) : payload);
      const provided = this.#provided.get(call.provided);
      if (!provided?.methods.includes(call.method)) {
        throw new Error(`Cannot call "${call.method}": it is not provided any more`);
      }
      const object = provided.value as Record<string, (...args: unknown[]) => unknown>;
      const result = this.#codec.encode(await object[call.method]?.(...(args as unknown[])));
      if (shared && mailbox?.putAnswer(shared, result)) {
        this.#outbox.push({ type: 'return', id, bytes: 0, length: result.length });
      } else {
        this.#outbox.push({ type: 'return', id, bytes: result.length }, result);
      }
    } catch (error) {
      this.#outbox.push({ type: 'throw', id, error: toWireError(error) });
    }
  }
}

interface Settle<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

interface PendingCall extends Settle<unknown> {
  /** Its slot is in use until the call has ended. */
  readonly mailbox?: CallerMailbox;
  readonly shared?: SharedPart;
}

function release(call: PendingCall | undefined): void {
  if (call?.shared) call.mailbox?.release(call.shared);
}

/** Parses its object when it is first asked for: many callers never do. */
class LazyResult {
  readonly ok = true;
  #bytes: Uint8Array | undefined;
  #object: unknown;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get object(): unknown {
    if (this.#bytes) this.#object = JSON.parse(decodeText(this.#bytes));
    this.#bytes = undefined;
    return this.#object;
  }
}

class LazyEvent implements WatchEvent<KubeObject> {
  readonly type: WatchEvent<KubeObject>['type'];
  #bytes: Uint8Array | undefined;
  #object: KubeObject | undefined;

  constructor(type: WatchEvent<KubeObject>['type'], bytes: Uint8Array) {
    this.type = type;
    this.#bytes = bytes;
  }

  get object(): KubeObject {
    if (this.#bytes) this.#object = JSON.parse(decodeText(this.#bytes)) as KubeObject;
    this.#bytes = undefined;
    return this.#object as KubeObject;
  }
}

let providedLast = 0;

function take<V>(map: Map<number, V>, id: number): V | undefined {
  const value = map.get(id);
  map.delete(id);
  return value;
}

function asApiError(error: Error): ApiError {
  return error instanceof ApiError ? error : internalError(error);
}

/** Errors with their stacks; whatever JSON cannot say, as text. */
function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) plain[name] = toWireError(value);
    else plain[name] = isJson(value) ? value : String(value);
  }
  return plain;
}

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
