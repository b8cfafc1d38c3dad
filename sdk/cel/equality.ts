import type { Meter } from './meter.ts';
import { plainValue } from './plain.ts';
import {
  Duration,
  fail,
  JsonMap,
  ListValue,
  MapValue,
  Opaque,
  Optional,
  StructValue,
  Timestamp,
  TypeValue,
  Uint,
} from './value.ts';

/** Equality over all values: numbers by value, what is of different kinds is unequal. */
export function equal(a: unknown, b: unknown, meter: Meter): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    meter.traverse(Math.min(a.length, b.length));
    return a === b;
  }
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) === 0;
  if (a instanceof ListValue && b instanceof ListValue) return equalLists(a, b, meter);
  if (a instanceof MapValue && b instanceof MapValue) return equalMaps(a, b, meter);
  if (a instanceof Timestamp && b instanceof Timestamp) return a.nanoseconds === b.nanoseconds;
  if (a instanceof Duration && b instanceof Duration) return a.nanoseconds === b.nanoseconds;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b, meter) === 0;
  if (a instanceof TypeValue && b instanceof TypeValue) return a.name === b.name;
  if (a instanceof Optional && b instanceof Optional) return equalOptionals(a, b, meter);
  if (a instanceof Opaque && b instanceof Opaque) return a.type.name === b.type.name && a.equals(b);
  return false;
}

function equalOptionals(a: Optional, b: Optional, meter: Meter): boolean {
  if (a === Optional.NONE || b === Optional.NONE) return a === b;
  return equal(a.value, b.value, meter);
}

function equalLists(a: ListValue, b: ListValue, meter: Meter): boolean {
  if (a.items === b.items) return true;
  if (a.size !== b.size) return false;
  const merge = a.merge ?? b.merge;
  if (merge?.type === 'map') return equalByKeys(a, b, { keys: merge.keys, meter });
  for (let i = 0; i < a.size; i += 1) {
    meter.spend(ELEMENT_COST);
    const same = merge ? includes(b, a.get(i), meter) : equal(a.get(i), b.get(i), meter);
    if (!same) return false;
  }
  return true;
}

/** For each element the one with its keys is equal. */
function equalByKeys(
  a: ListValue,
  b: ListValue,
  { keys, meter }: { keys: readonly string[]; meter: Meter },
): boolean {
  const others = new Map<string, unknown>();
  for (let i = 0; i < b.size; i += 1) others.set(mergeKey(b.get(i), keys), b.get(i));
  for (let i = 0; i < a.size; i += 1) {
    meter.spend(ELEMENT_COST);
    if (!equal(a.get(i), others.get(mergeKey(a.get(i), keys)), meter)) return false;
  }
  return true;
}

/** What tells elements of a list of type map apart. */
export function mergeKey(element: unknown, keys: readonly string[]): string {
  if (!(element instanceof MapValue)) return '';
  return JSON.stringify(keys.map(key => plainValue(element.get(key))));
}

/** Elements of sets are mostly scalars; each comparison is paid for. */
export function includes(list: ListValue, value: unknown, meter: Meter): boolean {
  for (let i = 0; i < list.size; i += 1) {
    meter.spend(ELEMENT_COST);
    if (equal(list.get(i), value, meter)) return true;
  }
  return false;
}

/** Old and new objects often share what did not change. */
function isSameData(a: MapValue, b: MapValue): boolean {
  if (a instanceof JsonMap) return b instanceof JsonMap && a.data === b.data;
  return a instanceof StructValue && b instanceof StructValue && a.data === b.data;
}

function equalMaps(a: MapValue, b: MapValue, meter: Meter): boolean {
  if (isSameData(a, b)) return true;
  const keys = a.keys();
  meter.spend(keys.length);
  if (keys.length !== b.size) return false;
  for (const key of keys) {
    meter.spend(ELEMENT_COST);
    const other = b.get(key);
    if (other === undefined || !equal(a.get(key), other, meter)) return false;
  }
  return true;
}

/** Negative, 0, positive, or NaN. Fails on what has no order between. */
export function compare(a: unknown, b: unknown, meter: Meter): number {
  if (typeof a === 'string' && typeof b === 'string') {
    meter.traverse(Math.min(a.length, b.length));
    return compareStrings(a, b);
  }
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp)
    return compareInts(a.nanoseconds, b.nanoseconds);
  if (a instanceof Duration && b instanceof Duration)
    return compareInts(a.nanoseconds, b.nanoseconds);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b, meter);
  return fail('no such overload');
}

/** By code points, as UTF-8 bytes would be. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    return unitOrder(a.charCodeAt(i)) - unitOrder(b.charCodeAt(i));
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all others. */
function unitOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function compareBytes(a: Uint8Array, b: Uint8Array, meter: Meter): number {
  meter.traverse(Math.min(a.length, b.length));
  return Buffer.compare(a, b);
}

type CelNumber = bigint | number | Uint;

function isNumber(value: unknown): value is CelNumber {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}

/** JavaScript compares a bigint and a number exactly. */
function compareNumbers(a: CelNumber, b: CelNumber): number {
  const left = a instanceof Uint ? a.value : a;
  const right = b instanceof Uint ? b.value : b;
  if (left < right) return -1;
  if (left > right) return 1;
  return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : 0;
}

function compareInts(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const ELEMENT_COST = 0.25;
