import { deserialize, serialize } from 'node:v8';
import { PoolLimits } from './limits.ts';

/**
 * Arguments and results of calls between threads: structured clones as bytes, so that the kernel
 * can pass them on without looking. Only plain data and maps of it: no cycles, classes or functions.
 */
export function encodeValue(value: unknown): Uint8Array {
  return serialize(value);
}

/** Throws when the bytes are no value, or one that is not plain data. */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  const value: unknown = deserialize(bytes);
  // Every part of a tree takes at least a byte; a cyclic or much shared value has more parts.
  assertPlain(value, { partsLeft: bytes.length }, 0);
  return value;
}

function assertPlain(value: unknown, budget: { partsLeft: number }, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (--budget.partsLeft < 0) throw new Error('Cannot take value: it is not a tree');
  if (depth > PoolLimits.frameDepthMax) throw new Error('Cannot take value: it nests too deep');
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
  if (value instanceof Map) {
    for (const entry of value) assertPlain(entry, budget, depth + 1);
    return;
  }
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) {
    throw new Error('Cannot take value: it holds something else than plain data');
  }
  for (const part of Object.values(value)) assertPlain(part, budget, depth + 1);
}

/**
 * A contribution's plain data, without its functions. Throws (DataCloneError) when there are
 * functions further down.
 */
export function encodeData(value: unknown): Uint8Array {
  if (typeof value !== 'object' || value === null) return encodeValue(value);
  const entries = Object.entries(value).filter(([, field]) => typeof field !== 'function');
  return encodeValue(Object.fromEntries(entries));
}
