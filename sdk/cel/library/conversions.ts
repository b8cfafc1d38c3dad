import type { Library } from '../overload.ts';
import {
  checkedInt,
  fail,
  type ListValue,
  type MapValue,
  Optional,
  TypeValue,
  Uint,
} from '../value.ts';
import { typeNameOf } from '../value-type.ts';

const DOUBLE_LENGTH_MAX = 400;
const INT = /^[+-]?\d{1,20}$/;
const DOUBLE = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/i;

export const CONVERSIONS: Library = {
  'type(T): type': (_, value: unknown) => new TypeValue(typeNameOf(value)),
  'bool(bool): bool': (_, value: boolean) => value,
  'bool(string): bool': (_, text: string) => parseBool(text),
  'int(int): int': (_, value: bigint) => value,
  'int(uint): int': (_, { value }: Uint) => checkedInt(value),
  'int(double): int': (_, value: number) => truncated(value),
  'int(string): int': (_, text: string) =>
    INT.test(text) ? checkedInt(BigInt(text.replace(/^\+/, ''))) : fail(unparsed('int', text)),
  'uint(uint): uint': (_, value: Uint) => value,
  'uint(int): uint': (_, value: bigint) => new Uint(value),
  'uint(double): uint': (_, value: number) => new Uint(truncatedBig(value)),
  'uint(string): uint': (_, text: string) =>
    /^\d{1,20}$/.test(text) ? new Uint(BigInt(text)) : fail(unparsed('uint', text)),
  'double(double): double': (_, value: number) => value,
  'double(int): double': (_, value: bigint) => Number(value),
  'double(uint): double': (_, { value }: Uint) => Number(value),
  'double(string): double': (frame, text: string) => {
    frame.meter.traverse(text.length);
    // Longer ones would take the pattern quadratic time.
    return text.length <= DOUBLE_LENGTH_MAX && DOUBLE.test(text)
      ? parseDouble(text)
      : fail(unparsed('double', text));
  },
  'string(string): string': (_, text: string) => text,
  'string(bool): string': (_, value: boolean) => String(value),
  'string(int): string': (_, value: bigint) => String(value),
  'string(uint): string': (_, { value }: Uint) => String(value),
  'string(double): string': (_, value: number) => formatDouble(value),
  'string(bytes): string': (frame, bytes: Uint8Array) => {
    frame.meter.traverse(bytes.length);
    return decodeUtf8(bytes);
  },
  'bytes(bytes): bytes': (_, bytes: Uint8Array) => bytes,
  'bytes(string): bytes': (frame, text: string) => {
    frame.meter.traverse(text.length);
    return new TextEncoder().encode(text);
  },
  'size(string): int': (frame, text: string) => textSize(frame, text),
  'string.size(): int': (frame, text: string) => textSize(frame, text),
  'size(bytes): int': (_, bytes: Uint8Array) => BigInt(bytes.length),
  'bytes.size(): int': (_, bytes: Uint8Array) => BigInt(bytes.length),
  'size(list<T>): int': (_, list: ListValue) => BigInt(list.size),
  'list<T>.size(): int': (_, list: ListValue) => BigInt(list.size),
  'size(map<K, V>): int': (frame, map: MapValue) => mapSize(frame, map),
  'map<K, V>.size(): int': (frame, map: MapValue) => mapSize(frame, map),
  'optional.none(): optional<T>': () => Optional.NONE,
  'optional.of(T): optional<T>': (_, value: unknown) => new Optional(value),
  'optional.ofNonZeroValue(T): optional<T>': (_, value: unknown) =>
    isZero(value) ? Optional.NONE : new Optional(value),
  'optional<T>.hasValue(): bool': (_, optional: Optional) => optional !== Optional.NONE,
  'optional<T>.value(): T': (_, optional: Optional) =>
    optional === Optional.NONE ? fail('optional.none() dereference') : optional.value,
};

function textSize({ meter }: Parameters<Library[string]>[0], text: string): bigint {
  meter.traverse(text.length);
  let size = text.length;
  for (let i = 0; i < text.length - 1; i += 1) {
    const unit = text.charCodeAt(i);
    const next = text.charCodeAt(i + 1);
    if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) size -= 1;
  }
  return BigInt(size);
}

function mapSize({ meter }: Parameters<Library[string]>[0], map: MapValue): bigint {
  const { size } = map;
  meter.spend(size * KEY_COST);
  return BigInt(size);
}

/** Of counting a map's keys. */
const KEY_COST = 1;

function parseBool(text: string): boolean {
  if (['1', 't', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'false', 'FALSE', 'False'].includes(text)) return false;
  return fail(unparsed('bool', text));
}

function unparsed(type: string, text: string): string {
  return `type conversion error from 'string' to '${type}': "${text.slice(0, 64)}"`;
}

function truncated(value: number): bigint {
  return Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : fail('integer overflow');
}

function truncatedBig(value: number): bigint {
  return value >= 0 && value < 2 ** 64
    ? BigInt(Math.trunc(value))
    : fail('unsigned integer overflow');
}

function parseDouble(text: string): number {
  if (/nan$/i.test(text)) return Number.NaN;
  if (/inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

export function formatDouble(value: number): string {
  if (Number.isFinite(value)) return twoDigitExponent(String(value));
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** Go writes at least two digits of an exponent. */
export function twoDigitExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('invalid UTF-8 in bytes, cannot convert to string');
  }
}

function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  return typeof value === 'object' && 'size' in value && value.size === 0;
}
