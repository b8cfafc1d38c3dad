import type { Status } from '../../sdk/api/types-meta-v1.ts';
import type { MetricRecord } from '../../sdk/link.ts';
import type { LogLevel } from '../../sdk/logger.ts';
import type { ObjectRequest, WatchRequest } from '../../sdk/request.ts';
import type { Combine, WatchEventType } from '../../sdk/sdk.ts';
import type { SharedPart } from './shared-mailbox.ts';

/**
 * What the kernel and a plugin's host say to each other.
 *
 * A frame is one ArrayBuffer, and all that one side had to say in one tick:
 *
 *     u32 length of the header · header: JSON array of messages · payload
 *
 * Fields named `bytes` are lengths: the next so many bytes of the payload belong to the message.
 * The payload holds what one side has encoded already (JSON of objects, shared with HTTP watchers)
 * or does not care to decode (arguments of calls that it only passes on).
 *
 * Bytes, not structured clones, because the receiver can check a size before it spends anything,
 * JSON cannot be cyclic, live or lazy, a tick's events are one transfer, and a pipe to another
 * process carries the same.
 */
export type PluginMessage =
  | { readonly type: 'request'; readonly id: number; readonly requests: readonly ObjectRequest[] }
  | { readonly type: 'watch'; readonly id: number; readonly request: WatchRequest }
  | { readonly type: 'unwatch'; readonly id: number }
  /** So many bytes of the watch's events were handled. */
  | { readonly type: 'ack'; readonly id: number; readonly size: number }
  | {
      readonly type: 'provide';
      readonly id: number;
      readonly point: WirePoint;
      readonly name: string;
      readonly methods: readonly string[];
      /** The value's plain data. */
      readonly bytes: number;
    }
  | { readonly type: 'unprovide'; readonly id: number }
  | { readonly type: 'subscribe'; readonly id: number; readonly point: WirePoint }
  | { readonly type: 'unsubscribe'; readonly id: number }
  /** Calls a method of the contribution `ref` that a subscription showed. */
  | {
      readonly type: 'call';
      readonly id: number;
      readonly ref: number;
      readonly method: string;
      readonly bytes: number;
      /** There are the arguments; `bytes` is 0. */
      readonly shared?: SharedPart;
    }
  | {
      readonly type: 'return';
      readonly id: number;
      readonly bytes: number;
      /** So many bytes are in the memory that the call came by; `bytes` is 0. */
      readonly length?: number;
    }
  | { readonly type: 'throw'; readonly id: number; readonly error: WireError }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'metrics'; readonly metrics: readonly WireMetric[] }
  /**
   * The answer to a command about the plugin. On its own line, so that what it did before, above
   * all what it provided, is known before.
   */
  | {
      readonly type: 'done';
      readonly error?: WireError;
      /** After `load`. */
      readonly definition?: WireDefinition;
    };

export type KernelMessage =
  | { readonly type: 'results'; readonly id: number; readonly results: readonly WireResult[] }
  | { readonly type: 'cut'; readonly id: number; readonly error: WireError }
  /** Flat: index into `EVENT_TYPES`, length, index, length, … */
  | { readonly type: 'events'; readonly id: number; readonly events: readonly number[] }
  | { readonly type: 'watch-end'; readonly id: number; readonly error: WireError }
  | {
      readonly type: 'contributions';
      readonly id: number;
      readonly list: readonly WireContribution[];
    }
  /** Calls a method of what the plugin provided as `provided`. */
  | {
      readonly type: 'call';
      readonly id: number;
      readonly provided: number;
      readonly method: string;
      readonly bytes: number;
      readonly shared?: SharedPart & { readonly memory: number };
    }
  | {
      readonly type: 'return';
      readonly id: number;
      readonly bytes: number;
      readonly length?: number;
    }
  /** Nobody calls by this memory any more. */
  | { readonly type: 'unshare'; readonly memory: number }
  | { readonly type: 'throw'; readonly id: number; readonly error: WireError };

/** What became of one metric with the same labels since it was told of last. */
export interface WireMetric {
  /** Without value. */
  readonly record: Omit<MetricRecord, 'value'>;
  /** A counter's sum, a gauge's last; all of a histogram. */
  readonly values: readonly number[];
}

export interface WirePoint {
  readonly name: string;
  readonly combine: Combine;
  readonly methods: readonly string[];
}

export type WireResult =
  | { readonly ok: true; readonly bytes: number }
  | { readonly ok: false; readonly error: WireError };

export interface WireContribution {
  readonly name: string;
  readonly plugin: string;
  /** For `call`. */
  readonly ref: number;
  /** What the host itself provided under this id, by a plugin of it: it uses its own value. */
  readonly provided: number;
  /** Shared for calls of it; 0: none. */
  readonly memory: number;
  readonly methods: readonly string[];
  readonly bytes: number;
}

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  /** Of an `ApiError`. */
  readonly status?: Status;
}

/**
 * Host to broker, on a channel of its own: asks the kernel to do what the host itself may not.
 * `read` gives the kernel credit to send so many more bytes.
 */
export type BrokerRequest =
  | { readonly type: 'open'; readonly id: number; readonly resource: BrokeredResource }
  | { readonly type: 'data'; readonly id: number; readonly bytes: number }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'read'; readonly id: number; readonly size: number }
  | { readonly type: 'destroy'; readonly id: number };

/** Stream 1 is the answer or a program's output, stream 2 its error output. */
export type BrokerReply =
  | { readonly type: 'opened'; readonly id: number; readonly head: BrokeredHead }
  | { readonly type: 'data'; readonly id: number; readonly stream: 1 | 2; readonly bytes: number }
  | { readonly type: 'end'; readonly id: number; readonly stream: 1 | 2 }
  | { readonly type: 'closed'; readonly id: number; readonly outcome: BrokeredOutcome };

/** What the kernel does for a plugin that was granted it. */
export type BrokeredResource =
  | {
      readonly type: 'fetch';
      readonly url: string;
      readonly method: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly type: 'connect'; readonly host: string; readonly port: number }
  | {
      readonly type: 'run';
      readonly program: string;
      readonly args: readonly string[];
      readonly cwd?: string;
      readonly env: Readonly<Record<string, string>>;
    };

/** What is known when the resource is open. */
export interface BrokeredHead {
  readonly status?: number;
  readonly statusText?: string;
  readonly url?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly pid?: number;
}

export interface BrokeredOutcome {
  readonly error?: WireError;
  readonly exitCode?: number;
  readonly signal?: string;
}

/** Kernel to host, on the host's own channel. */
export type HostCommand = PluginCommand | { readonly type: 'ping'; readonly id: number };

export type PluginCommand =
  | { readonly type: 'load'; readonly plugin: string }
  | { readonly type: 'activate'; readonly plugin: string; readonly config: unknown }
  | { readonly type: 'deactivate'; readonly plugin: string };

/** Host to kernel, on the host's own channel. */
export type HostReport =
  | { readonly type: 'ready' }
  | { readonly type: 'pong'; readonly id: number; readonly heapUsed: number }
  /** A line that a plugin wrote to `console`. */
  | { readonly type: 'console'; readonly level: LogLevel; readonly message: string };

/** What a plugin's entry module says about it. */
export interface WireDefinition {
  readonly name: string;
  /** The JSON Schema of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** See `PluginDefinition`. */
  readonly leader?: true | string;
}

export const EVENT_TYPES: readonly WatchEventType[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'];

const HEADER_LENGTH_BYTES = 4;
/** Length, brackets. */
const FRAME_BYTES_MIN = HEADER_LENGTH_BYTES + 2;
/** Larger frames only delay what the receiver could begin with. */
const FRAME_BYTES_GOOD = 1024 * 1024;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const COMMA = 0x2c;

/**
 * Collects messages and sends them as one frame when the current tick's work is done. Each is
 * encoded when it is pushed, so that what cannot be is the pusher's failure and nobody else's.
 */
export class Outbox<M> {
  readonly #send: (frame: ArrayBuffer) => void;
  readonly #messageBytesMax: number;
  readonly #defer: (flush: () => void) => void;
  #headers: Uint8Array[] = [];
  #payload: Uint8Array[] = [];
  #size = 0;

  /** `defer` says when what was pushed is sent, once for all of it. */
  constructor(
    send: (frame: ArrayBuffer) => void,
    messageBytesMax = Number.POSITIVE_INFINITY,
    defer: (flush: () => void) => void = queueMicrotask,
  ) {
    this.#send = send;
    this.#defer = defer;
    this.#messageBytesMax = messageBytesMax;
  }

  /** Throws on a message that JSON cannot say, or that is larger than a message may be. */
  push(message: M, ...payload: readonly Uint8Array[]): void {
    const header = encoder.encode(JSON.stringify(message));
    let size = header.length + 1;
    for (const part of payload) size += part.length;
    if (size + FRAME_BYTES_MIN > this.#messageBytesMax) {
      throw new RangeError(`Cannot send message: it has ${size} bytes, more than a message may`);
    }
    if (this.#size > 0 && this.#size + size > FRAME_BYTES_GOOD) this.flush();
    if (this.#headers.push(header) === 1) this.#defer(() => this.flush());
    for (const part of payload) this.#payload.push(part);
    this.#size += size;
  }

  flush(): void {
    if (this.#headers.length === 0) return;
    const frame = encodeFrame(this.#headers, this.#payload);
    this.#headers = [];
    this.#payload = [];
    this.#size = 0;
    this.#send(frame);
  }
}

/** `headers`: the messages, as JSON each. */
export function encodeFrame(
  headers: readonly Uint8Array[],
  payload: readonly Uint8Array[],
): ArrayBuffer {
  let headerLength = 1 + Math.max(1, headers.length);
  for (const header of headers) headerLength += header.length;
  let size = HEADER_LENGTH_BYTES + headerLength;
  for (const part of payload) size += part.length;
  const frame = new Uint8Array(size);
  new DataView(frame.buffer).setUint32(0, headerLength, true);
  let offset = HEADER_LENGTH_BYTES;
  frame[offset] = BRACKET_OPEN;
  for (const header of headers) {
    frame.set(header, offset + 1);
    offset += header.length + 1;
    frame[offset] = COMMA;
  }
  if (headers.length === 0) offset++;
  frame[offset] = BRACKET_CLOSE;
  offset++;
  for (const part of payload) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame.buffer;
}

/**
 * The messages of a frame, not yet checked. Throws on what is not a frame, and what `checkHeader`
 * throws before the header is parsed.
 */
export function decodeFrame(
  frame: ArrayBuffer,
  checkHeader?: (header: Uint8Array) => void,
): { messages: unknown[]; payload: Payload } {
  const size = frame.byteLength;
  const headerLength = size < HEADER_LENGTH_BYTES ? size : new DataView(frame).getUint32(0, true);
  const start = HEADER_LENGTH_BYTES + headerLength;
  if (start > size) throw new Error(`Cannot read frame: it has ${size} bytes, want ${start}`);
  const header = new Uint8Array(frame, HEADER_LENGTH_BYTES, headerLength);
  checkHeader?.(header);
  const messages: unknown = JSON.parse(decoder.decode(header));
  if (!Array.isArray(messages)) throw new Error('Cannot read frame: its header is not a list');
  return { messages, payload: new Payload(frame, start) };
}

/** The bytes behind a frame's header, taken in order. */
export class Payload {
  readonly #frame: ArrayBuffer;
  #offset: number;

  constructor(frame: ArrayBuffer, offset: number) {
    this.#frame = frame;
    this.#offset = offset;
  }

  /** A view, not a copy. Throws when less is left. */
  take(length: number): Uint8Array {
    const left = this.#frame.byteLength - this.#offset;
    if (!(length >= 0 && length <= left)) {
      throw new Error(`Cannot read frame: ${left} bytes of payload are left, want ${length}`);
    }
    const bytes = new Uint8Array(this.#frame, this.#offset, length);
    this.#offset += length;
    return bytes;
  }
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
