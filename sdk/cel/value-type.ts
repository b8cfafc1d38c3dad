import type { Type } from './type.ts';
import {
  Duration,
  ListValue,
  MapValue,
  Opaque,
  Optional,
  StructValue,
  Timestamp,
  TypeValue,
  Uint,
} from './value.ts';

/** The name of a value's type, for messages and `type()`. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
  }
  for (const [shape, name] of CLASS_NAMES) if (value instanceof shape) return name;
  if (value instanceof StructValue || value instanceof Opaque) return value.type.name;
  return value instanceof MapValue ? 'map' : 'null_type';
}

const CLASS_NAMES = [
  [ListValue, 'list'],
  [Optional, 'optional_type'],
  [Uint, 'uint'],
  [Timestamp, 'google.protobuf.Timestamp'],
  [Duration, 'google.protobuf.Duration'],
  [TypeValue, 'type'],
  [Uint8Array, 'bytes'],
] as const;

/** Whether a value is of a type at run time; elements of lists are looked at by their first. */
export function isOfType(value: unknown, type: Type): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'parameter':
      return true;
    case 'null':
      return value === null;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'list':
      return value instanceof ListValue && firstIsOfType(value, type.parameters[0]);
    case 'object':
      return value instanceof StructValue && value.type === type;
    case 'opaque':
      return value instanceof Opaque && value.type.name === type.name;
    default:
      return value instanceof CLASSES[type.kind];
  }
}

const CLASSES = {
  uint: Uint,
  bytes: Uint8Array,
  timestamp: Timestamp,
  duration: Duration,
  type: TypeValue,
  map: MapValue,
  optional: Optional,
} as const;

function firstIsOfType(list: ListValue, element: Type | undefined): boolean {
  return list.size === 0 || element === undefined || isOfType(list.get(0), element);
}
