import { freeze, freezeIntrinsics, LANGUAGE } from './frozen-intrinsics.ts';
import type { Guard } from './guard.ts';

/**
 * Leaves only known globals in the thread, and freezes the intrinsics of the language and the web's
 * classes, so that nobody changes how the host's ports deliver or how a guard's `Request` reads its
 * arguments.
 */
export function harden({
  guard,
  replacements,
}: {
  readonly guard: Guard;
  readonly replacements: Readonly<Record<string, unknown>>;
}): void {
  freezeIntrinsics();
  for (const key of Reflect.ownKeys(globalThis)) {
    if (typeof key === 'symbol' ? key === Symbol.toStringTag : isKept(key)) continue;
    Reflect.deleteProperty(globalThis, key);
  }
  for (const [name, value] of Object.entries(replacements)) define(name, value, true);
  for (const name of REFUSING_GLOBALS) define(name, guard.refusing(name), true);
  // Node's `fetch` and everything that imports undici look here for who opens connections.
  const dispatcher = Object.freeze({ dispatch: guard.refusing('dispatcher', 'net') });
  for (const version of DISPATCHER_VERSIONS) {
    define(Symbol.for(`undici.globalDispatcher.${version}`), dispatcher, false);
  }
  define('globalThis', globalThis, false);
  for (const name of FROZEN_CLASSES) freezeClass(name);
}

function isKept(name: string): boolean {
  return WEB_CLASSES.has(name) || OTHER_GLOBALS.has(name) || LANGUAGE.has(name);
}

function define(key: string | symbol, value: unknown, changeable: boolean): void {
  const flags = { writable: changeable, configurable: changeable, enumerable: false };
  Object.defineProperty(globalThis, key, { value, ...flags });
}

function freezeClass(name: string): void {
  const value: unknown = Reflect.get(globalThis, name);
  if (typeof value !== 'function') return;
  for (let proto = value.prototype; isOwnObject(proto); proto = Object.getPrototypeOf(proto)) {
    freeze(proto);
  }
  freeze(value);
}

function isOwnObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Object.isFrozen(value);
}

const DISPATCHER_VERSIONS = [1, 2, 3];

/** They reach other threads, or the network past the broker. */
const REFUSING_GLOBALS = [
  'BroadcastChannel',
  'EventSource',
  'MessageChannel',
  'WebSocket',
  'Worker',
];

const OTHER_GLOBALS: ReadonlySet<string> = new Set(
  `global clearImmediate setImmediate clearInterval clearTimeout setInterval setTimeout
  queueMicrotask structuredClone atob btoa performance crypto`.split(/\s+/),
);

/** Those that deliver messages to the host, or that its code uses. */
const FROZEN_CLASSES = [
  'AbortController',
  'AbortSignal',
  'Buffer',
  'Event',
  'EventTarget',
  'MessagePort',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
];

/** `MessagePort` cannot be constructed; Node's fetch wants it there when it is first loaded. */
const WEB_CLASSES: ReadonlySet<string> = new Set(
  `Buffer URL URLSearchParams URLPattern DOMException AbortController AbortSignal Event EventTarget
  CustomEvent MessageEvent MessagePort TextEncoder TextDecoder TransformStream TransformStreamDefaultController
  WritableStream WritableStreamDefaultController WritableStreamDefaultWriter ReadableStream
  ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest
  ReadableByteStreamController ReadableStreamDefaultController ByteLengthQueuingStrategy
  CountQueuingStrategy TextEncoderStream TextDecoderStream CompressionStream DecompressionStream
  Blob File FormData Headers Request Response Crypto CryptoKey SubtleCrypto`.split(/\s+/),
);
