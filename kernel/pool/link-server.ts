import type { Clock, Timer } from '../../sdk/clock.ts';
import type { Disposer, ExtensionPoint } from '../../sdk/extension.ts';
import { badRequest } from '../../sdk/status.ts';
import type { Offer } from '../extensions.ts';
import { ownPoint } from '../point-rules.ts';
import { decodeValue, encodeData, encodeValue } from './call-codec.ts';
import { CallMemory, type SharingCallee } from './call-memory.ts';
import type { Channel } from './channel.ts';
import { CreditedWatch } from './credited-watch.ts';
import type { EncodedLink } from './encoded-link.ts';
import { PoolLimits } from './limits.ts';
import { LogGate } from './log-gate.ts';
import type { SharedPart } from './shared-mailbox.ts';
import {
  decodeFrame,
  type KernelMessage,
  Outbox,
  type Payload,
  type PluginMessage,
  type WireContribution,
  type WireError,
} from './wire.ts';
import { BadMessage, checkFrame, checkHeader, checkPluginMessage } from './wire-check.ts';
import { fromWireError, toWireError } from './wire-error.ts';

export interface LinkServerOptions {
  readonly link: EncodedLink;
  readonly channel: Channel;
  readonly clock: Clock;
  /** The same for all plugins of one host: what they provide each other does not travel. */
  readonly host: object;
  /** The plugin's answer to a command. */
  readonly onDone: (answer: PluginMessage & { type: 'done' }) => void;
  /** A message broke the rules and was dropped. */
  readonly onBadMessage: (error: Error) => void;
}

/**
 * Serves one plugin's line on the kernel's side. Nothing that comes in is believed: not its size,
 * not its form, not its ids; who sends is known by the channel alone.
 */
export class LinkServer {
  readonly #link: EncodedLink;
  readonly #clock: Clock;
  readonly #log: LogGate;
  readonly #host: object;
  readonly #onDone: LinkServerOptions['onDone'];
  readonly #onBadMessage: (error: Error) => void;
  readonly #outbox: Outbox<KernelMessage>;
  readonly #watches = new Map<number, CreditedWatch>();
  readonly #provided = new Map<number, Disposer>();
  readonly #subscriptions = new Map<number, { dispose: Disposer; refs: readonly number[] }>();
  /** What the plugin may call, by `ref`. */
  readonly #callable = new Map<number, Callable>();
  /** Calls into the plugin that are not answered. */
  readonly #calls = new Map<number, PendingCall>();
  readonly #channel: Channel;
  readonly #memory: CallMemory<RemoteValue>;
  #refLast = 0;
  #memoryLast = 0;
  #callLast = 0;
  #requestsPending = 0;
  #callsServed = 0;
  #closed = false;
  /** Events of all watches that wait for more. */
  #heldEvents: { readonly message: KernelMessage; readonly payload: readonly Uint8Array[] }[] = [];
  #heldTimer: Timer | undefined;
  #eventsSentAt = Number.NEGATIVE_INFINITY;
  /** Why the first contribution was refused since the last command. */
  #refused: WireError | undefined;

  constructor({ link, channel, clock, host, onDone, onBadMessage }: LinkServerOptions) {
    this.#link = link;
    this.#clock = clock;
    this.#log = new LogGate(clock, (...line) => link.log(...line));
    this.#host = host;
    this.#onDone = onDone;
    this.#onBadMessage = onBadMessage;
    this.#channel = channel;
    this.#memory = new CallMemory(channel);
    // A message to another thread costs as much as handling a request: under load one carries what
    // a whole turn of the event loop brought.
    const send = (frame: ArrayBuffer) => channel.send(frame);
    this.#outbox = new Outbox(send, Number.POSITIVE_INFINITY, setImmediate);
    channel.receive(frame => this.#receive(frame));
  }

  /** The plugin is gone: ends its watches, takes back what it provided, fails calls to it. */
  close(reason: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#heldTimer?.cancel();
    this.#heldEvents = [];
    for (const watch of this.#watches.values()) watch.close();
    for (const dispose of this.#provided.values()) void dispose();
    for (const { dispose } of this.#subscriptions.values()) void dispose();
    for (const id of [...this.#calls.keys()]) this.#settle(id)?.reject(reason);
    this.#watches.clear();
    this.#provided.clear();
    this.#subscriptions.clear();
    this.#memory.keep(new Set());
  }

  /** What was held back goes before it, so the order stays. */
  #send(message: KernelMessage, ...payload: readonly Uint8Array[]): void {
    if (this.#closed) return;
    this.#sendHeld();
    this.#outbox.push(message, ...payload);
  }

  /** The first of a while at once; those soon after it wait for one another. */
  #sendEvents(message: KernelMessage, payload: readonly Uint8Array[]): void {
    if (this.#closed) return;
    const wait = this.#eventsSentAt + PoolLimits.eventsIntervalMs - this.#clock.monotonic();
    if (wait <= 0 && this.#heldEvents.length === 0) {
      this.#eventsSentAt = this.#clock.monotonic();
      this.#outbox.push(message, ...payload);
      return;
    }
    this.#heldEvents.push({ message, payload });
    this.#heldTimer ??= this.#clock.setTimeout(() => this.#sendHeld(), Math.max(0, wait));
  }

  #sendHeld(): void {
    if (this.#heldTimer === undefined) return;
    this.#heldTimer.cancel();
    this.#heldTimer = undefined;
    const held = this.#heldEvents;
    this.#heldEvents = [];
    this.#eventsSentAt = this.#clock.monotonic();
    for (const { message, payload } of held) this.#outbox.push(message, ...payload);
  }

  #receive(frame: unknown): void {
    if (this.#closed) return;
    try {
      const { messages, payload } = decodeFrame(checkFrame(frame), checkHeader);
      for (const message of messages) this.#take(checkPluginMessage(message), payload);
    } catch (error) {
      // The rest of the frame is lost: lengths in it cannot be trusted any more.
      this.#onBadMessage(error instanceof Error ? error : new BadMessage(String(error)));
    }
  }

  #take(message: PluginMessage, payload: Payload): void {
    switch (message.type) {
      case 'request':
        this.#request(message);
        break;
      case 'watch':
        this.#watch(message);
        break;
      case 'unwatch':
        this.#watches.get(message.id)?.close();
        this.#watches.delete(message.id);
        break;
      case 'ack':
        this.#watches.get(message.id)?.acknowledge(message.size);
        break;
      case 'provide':
        this.#provide(message, payload.take(message.bytes));
        break;
      case 'unprovide':
        void this.#provided.get(message.id)?.();
        this.#provided.delete(message.id);
        break;
      case 'subscribe':
        this.#subscribe(message);
        break;
      case 'unsubscribe':
        this.#unsubscribe(message.id);
        break;
      case 'call':
        this.#call(message, payload.take(message.bytes));
        break;
      case 'return':
        this.#return(message, payload.take(message.bytes));
        break;
      case 'throw':
        this.#settle(message.id)?.reject(fromWireError(message.error));
        break;
      case 'log':
        this.#log.log(message.level, message.message, message.fields);
        break;
      case 'metrics':
        for (const { record, values } of message.metrics) {
          for (const value of values) this.#link.metric({ ...record, value });
        }
        break;
      case 'done':
        this.#onDone(message.error ? message : { ...message, ...this.#takeRefusal() });
        break;
    }
  }

  #request({ id, requests }: PluginMessage & { type: 'request' }): void {
    if (this.#requestsPending + requests.length > PoolLimits.requestsPendingMax) {
      const error = toWireError(badRequest('too many requests are not answered yet'));
      this.#send({ type: 'cut', id, error });
      return;
    }
    this.#requestsPending += requests.length;
    this.#link
      .requestEncoded(requests)
      .then(
        results => {
          const json: Uint8Array[] = [];
          const heads = results.map(result => {
            if (!result.ok) return { ok: false, error: toWireError(result.error) } as const;
            let bytes = 0;
            for (const part of result.json) bytes += part.length;
            json.push(...result.json);
            return { ok: true, bytes } as const;
          });
          this.#send({ type: 'results', id, results: heads }, ...json);
        },
        error => this.#send({ type: 'cut', id, error: toWireError(error) }),
      )
      .finally(() => {
        this.#requestsPending -= requests.length;
      });
  }

  #watch({ id, request }: PluginMessage & { type: 'watch' }): void {
    assertNew(this.#watches, id, PoolLimits.watchesMax);
    const watch = new CreditedWatch(
      (events, json) => this.#sendEvents({ type: 'events', id, events }, json),
      error => {
        this.#watches.delete(id);
        this.#send({ type: 'watch-end', id, error: toWireError(error) });
      },
    );
    this.#watches.set(id, watch);
    watch.open(sink => this.#link.watchEncoded(request, sink));
  }

  #provide(message: PluginMessage & { type: 'provide' }, data: Uint8Array): void {
    const { id, name, methods } = message;
    assertNew(this.#provided, id, PoolLimits.contributionsMax);
    const value = decodeValue(data);
    const point = ownPoint(message.point as ExtensionPoint<unknown>);
    const allowed = methods.filter(method => isMethod(point.methods, method));
    const remote = isObject(value) ? value : {};
    for (const method of allowed) {
      Object.defineProperty(remote, method, {
        enumerable: true,
        value: async (...args: unknown[]) =>
          decodeValue((await this.#callPlugin(id, method, encodeValue(args))) as Uint8Array),
      });
    }
    REMOTE_VALUES.set(remote, {
      host: this.#host,
      id,
      data,
      methods: allowed,
      call: (method, args) => this.#callPlugin(id, method, args),
      share: this.#channel.share && (buffer => this.#share(buffer)),
      unshare: memory => this.#send({ type: 'unshare', memory }),
    });
    try {
      this.#provided.set(id, this.#link.provide(point, name, remote));
    } catch (cause) {
      const error = toWireError(cause);
      this.#refused ??= error;
      this.#link.log('error', 'Contribution was refused', { point: point.name, name, error });
    }
  }

  /** In the plugin's thread nothing was thrown: its activation has to fail for it. */
  #takeRefusal(): { error?: WireError } {
    const error = this.#refused;
    this.#refused = undefined;
    return error ? { error } : {};
  }

  #share(buffer: SharedArrayBuffer): number {
    this.#memoryLast++;
    this.#channel.share?.({ memory: this.#memoryLast, ref: 0, buffer });
    return this.#memoryLast;
  }

  #return({ id, length }: PluginMessage & { type: 'return' }, result: Uint8Array): void {
    if (length === undefined) {
      this.#settle(id)?.resolve(result);
      return;
    }
    if (this.#calls.get(id)?.isShared === false) {
      throw new BadMessage('Cannot take message: the call did not come by shared memory');
    }
    this.#settle(id)?.resolve(length);
  }

  #callPlugin(provided: number, method: string, args: CallArgs): Promise<CallResult> {
    if (this.#closed) return Promise.reject(new Error(`Cannot call "${method}": plugin is gone`));
    const id = ++this.#callLast;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        const ms = PoolLimits.callTimeoutMs;
        this.#settle(id)?.reject(new Error(`Cannot call "${method}": no answer within ${ms} ms`));
      }, PoolLimits.callTimeoutMs);
      timer.unref();
      const isShared = !(args instanceof Uint8Array);
      this.#calls.set(id, { resolve, reject, timer, isShared });
      if (isShared) this.#send({ type: 'call', id, provided, method, bytes: 0, shared: args });
      else this.#send({ type: 'call', id, provided, method, bytes: args.length }, args);
    });
  }

  #settle(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.timer.cancel();
    return call;
  }

  #subscribe({ id, point }: PluginMessage & { type: 'subscribe' }): void {
    assertNew(this.#subscriptions, id, PoolLimits.subscriptionsMax);
    const subscription = { dispose: (() => {}) as Disposer, refs: [] as readonly number[] };
    this.#subscriptions.set(id, subscription);
    const own = ownPoint(point as ExtensionPoint<unknown>);
    subscription.dispose = this.#link.subscribe(own, contributions => {
      for (const ref of subscription.refs) this.#callable.delete(ref);
      const shown = contributions.flatMap(contribution => this.#show(contribution));
      subscription.refs = shown.map(({ head }) => head.ref);
      this.#memory.keep(new Set(this.#callable.values()));
      const list = shown.map(({ head }) => head);
      this.#send({ type: 'contributions', id, list }, ...shown.map(({ data }) => data));
    });
  }

  /** Empty for what cannot be seen from another thread. */
  #show({ name, plugin, value, methods }: Offer<unknown>) {
    const remote = isObject(value) ? REMOTE_VALUES.get(value) : undefined;
    const callable = remote ?? localCallable(value, methods);
    if (!callable) return [];
    const ref = ++this.#refLast;
    this.#callable.set(ref, callable);
    const head: WireContribution = {
      name,
      plugin,
      ref,
      provided: remote?.host === this.#host ? remote.id : 0,
      memory: remote ? this.#memory.numberFor(remote) : 0,
      methods: callable.methods,
      bytes: callable.data.length,
    };
    return [{ head, data: callable.data }];
  }

  #unsubscribe(id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    this.#subscriptions.delete(id);
    for (const ref of subscription.refs) this.#callable.delete(ref);
    void subscription.dispose();
  }

  #call({ id, ref, method, shared }: PluginMessage & { type: 'call' }, args: Uint8Array): void {
    const target = this.#callable.get(ref);
    const fail = (error: unknown) => this.#send({ type: 'throw', id, error: toWireError(error) });
    // A contribution may go while a call to it is under way: that is no fault of the caller.
    if (!target) {
      fail(new Error(`Cannot call "${method}": the contribution is gone`));
      return;
    }
    if (!target.methods.includes(method)) throw new BadMessage(`Cannot call "${method}"`);
    if (this.#callsServed >= PoolLimits.callsPendingMax) {
      fail(new Error(`Cannot call "${method}": ${this.#callsServed} calls are not answered yet`));
      return;
    }
    const remote = isRemote(target) ? target : undefined;
    if (shared && !remote) throw new BadMessage(`Cannot call "${method}": no memory is shared`);
    const answer = (result: CallResult) => {
      if (typeof result === 'number') this.#send({ type: 'return', id, bytes: 0, length: result });
      else this.#send({ type: 'return', id, bytes: result.length }, result);
    };
    const given = remote && shared ? this.#memory.partFor(remote, shared) : args;
    if (remote && args.length >= PoolLimits.sharedCallBytesMin) this.#memory.open(ref, remote);
    this.#callsServed++;
    target
      .call(method, given)
      .then(answer, fail)
      .finally(() => this.#callsServed--);
  }
}

/** Bytes, or where they are. */
type CallArgs = Uint8Array | (SharedPart & { readonly memory: number });
/** Bytes, or how many of them are in the memory that the call came by. */
type CallResult = Uint8Array | number;

interface PendingCall {
  resolve(result: CallResult): void;
  readonly isShared: boolean;
  reject(error: Error): void;
  readonly timer: Timer;
}

/** A contribution as another thread can use it. */
interface Callable {
  readonly data: Uint8Array;
  readonly methods: readonly string[];
  /** Shared arguments only for what is remote. */
  call(method: string, args: CallArgs): Promise<CallResult>;
}

interface RemoteValue extends Callable, SharingCallee {
  readonly host: object;
  readonly id: number;
}

/** What stands behind the remote values of plugins: calls pass through undecoded. */
const REMOTE_VALUES = new WeakMap<object, RemoteValue>();

function isRemote(callable: Callable): callable is RemoteValue {
  return 'share' in callable;
}

/** Of frozen plain data, which is told again whenever its point changes. */
const TOLD = new WeakMap<object, Callable>();

/** Undefined for what has functions that no other thread may call: it is for its own alone. */
function localCallable(value: unknown, pointMethods: readonly string[]): Callable | undefined {
  const isFixed = isObject(value) && pointMethods.length === 0 && Object.isFrozen(value);
  const known = isFixed ? TOLD.get(value) : undefined;
  if (known !== undefined) return known;
  const callable = makeCallable(value, pointMethods);
  if (isFixed && callable !== undefined) TOLD.set(value, callable);
  return callable;
}

function makeCallable(value: unknown, pointMethods: readonly string[]): Callable | undefined {
  let data: Uint8Array;
  try {
    if (pointMethods.length > 0) data = encodeData(value);
    else if (isPlain(value)) data = encodeValue(value);
    else return undefined;
  } catch {
    return undefined;
  }
  const object = value as Record<string, unknown>;
  const methods = isObject(value)
    ? pointMethods.filter(
        name => isMethod(pointMethods, name) && typeof object[name] === 'function',
      )
    : [];
  return {
    data,
    methods,
    async call(method, args) {
      const run = object[method] as (...args: unknown[]) => unknown;
      return encodeValue(await run.apply(object, decodeValue(args as Uint8Array) as unknown[]));
    },
  };
}

/** An instance of a class has functions that its fields do not show. */
function isPlain(value: unknown): boolean {
  return (
    !isObject(value) || [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))
  );
}

/** `methods` may be what a plugin says: `constructor` and the like are nobody's. */
function isMethod(methods: readonly string[], name: string): boolean {
  return methods.includes(name) && !(name in Object.prototype);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function assertNew(map: ReadonlyMap<number, unknown>, id: number, sizeMax: number): void {
  if (map.has(id)) throw new BadMessage(`Cannot take message: id ${id} is in use`);
  if (map.size >= sizeMax) throw new BadMessage(`Cannot take message: ${sizeMax} are in use`);
}
