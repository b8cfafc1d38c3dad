import { formatDouble } from './library/conversions.ts';
import { formatDuration, formatTimestamp } from './library/time.ts';
import {
  Duration,
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

/** A result as JSON data. What JSON has no form for is its text. */
export function plainValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number(value);
    case 'number':
      return Number.isFinite(value) ? value : formatDouble(value);
    case 'object':
      return value === null ? null : plainObject(value);
    default:
      return value;
  }
}

function plainObject(value: object): unknown {
  if (value instanceof ListValue) return value.toArray().map(plainValue);
  if (value instanceof JsonMap || value instanceof StructValue) return value.data;
  if (value instanceof MapValue) {
    return Object.fromEntries(value.keys().map(key => [textOf(key), plainValue(value.get(key))]));
  }
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Optional) return plainValue(value.value ?? null);
  if (value instanceof TypeValue) return value.name;
  return value instanceof Opaque ? value.toString() : value;
}

function textOf(key: unknown): string {
  return key instanceof Uint ? String(key.value) : String(key);
}
