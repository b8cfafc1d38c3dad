import type { Schema } from 'kernetes/sdk';
import { type Field, type Message, messageOf } from './message.ts';
import { ProtobufReader, WireError } from './reader.ts';

/**
 * Reads fields into `object` as the sender's JSON would have had them. A message that comes twice
 * is merged, a scalar that comes twice is the last one. No message of Kubernetes that has a
 * protobuf form holds itself, so the depth is bounded by the types.
 */
export function decodeMessage(
  reader: ProtobufReader,
  message: Message,
  object: Record<string, unknown>,
): void {
  while (reader.next()) {
    const field = message.get(reader.field);
    if (field === undefined) reader.skip();
    else if ('embedded' in field) decodeMessage(reader.message(), field.embedded, object);
    else decodeField(reader, field, object);
  }
}

function decodeField(
  reader: ProtobufReader,
  { name, schema, omitsZero }: Exclude<Field, { embedded: Message }>,
  object: Record<string, unknown>,
): void {
  const earlier = object[name];
  if (schema.type === 'array') {
    const list = (earlier as unknown[] | undefined) ?? [];
    decodeElements(reader, elementsOf(schema), list);
    object[name] = list;
  } else if (schema.type === 'map') {
    const map = (earlier as Record<string, unknown> | undefined) ?? {};
    decodeEntry(reader, schema, map);
    object[name] = map;
  } else {
    const value = decodeValue(reader, schema, earlier);
    if (!omitsZero || !isZero(value)) object[name] = value;
    else if (earlier !== undefined) delete object[name];
  }
}

/** A scalar, or a value in a message of its own. */
function decodeValue(reader: ProtobufReader, schema: Schema, earlier?: unknown): unknown {
  switch (schema.type) {
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.bytes().toString('base64');
    case 'boolean':
      return reader.bool();
    case 'integer':
      return schema.format === 'int32' ? reader.int32() : reader.int64();
    case 'number':
      return reader.double();
    case 'quantity':
      return decodeQuantity(reader.message());
    case 'int-or-string':
      return decodeIntOrString(reader.message());
    case 'time':
    case 'micro-time':
      return decodeTime(reader.message(), schema.type);
    case 'raw':
      return decodeRaw(reader.message());
    case 'array':
      return decodeWrappedList(reader.message(), elementsOf(schema));
    case 'object':
      return decodeObject(reader.message(), schema, earlier);
    case 'map':
      throw new Error(`Cannot decode ${schema.id}: a map is no value`);
  }
}

function decodeObject(reader: ProtobufReader, schema: Schema, earlier: unknown): object {
  const message = messageOf(schema);
  if (message === undefined) throw new Error(`Cannot find field numbers of ${schema.id}`);
  const object = (earlier as Record<string, unknown> | undefined) ?? {};
  decodeMessage(reader, message, object);
  return object;
}

/** One element, or several where scalars are packed. */
function decodeElements(reader: ProtobufReader, items: Schema, list: unknown[]): void {
  if (items.type === 'integer' || items.type === 'boolean') {
    for (const value of reader.varints(each => decodeValue(each, items))) list.push(value);
  } else {
    list.push(decodeValue(reader, items));
  }
}

/** A map is a list of messages, each a key and a value; what such a message lacks is empty. */
function decodeEntry(reader: ProtobufReader, schema: Schema, map: Record<string, unknown>): void {
  const values = schema.additionalProperties;
  if (values === undefined) throw new Error('Cannot decode a map: its values have no schema');
  const entry = reader.message();
  let key = '';
  let value: unknown;
  let hasValue = false;
  while (entry.next()) {
    if (entry.field === 1) {
      key = entry.string();
    } else if (entry.field === 2) {
      value = decodeValue(entry, values, value);
      hasValue = true;
    } else {
      entry.skip();
    }
  }
  if (!hasValue) value = decodeValue(ProtobufReader.empty(), values);
  Object.defineProperty(map, key, { value, ...OWN });
}

/** A list that is the value of a map: a message with the elements as its field 1. */
function decodeWrappedList(reader: ProtobufReader, items: Schema): unknown[] {
  const list: unknown[] = [];
  while (reader.next()) {
    if (reader.field === 1) decodeElements(reader, items, list);
    else reader.skip();
  }
  return list;
}

function decodeQuantity(reader: ProtobufReader): string {
  let text = '0';
  while (reader.next()) {
    if (reader.field === 1) text = reader.string();
    else reader.skip();
  }
  return text;
}

function decodeIntOrString(reader: ProtobufReader): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  while (reader.next()) {
    if (reader.field === 1) isString = reader.int64() === 1;
    else if (reader.field === 2) number = reader.int32();
    else if (reader.field === 3) text = reader.string();
    else reader.skip();
  }
  return isString ? text : number;
}

/** A message without fields is Go's zero time, which JSON has as null; the epoch has them. */
function decodeTime(reader: ProtobufReader, type: 'time' | 'micro-time'): string | null {
  let isZero = true;
  let seconds = 0;
  let nanoseconds = 0;
  while (reader.next()) {
    isZero = false;
    if (reader.field === 1) seconds = reader.int64();
    else if (reader.field === 2) nanoseconds = reader.int32();
    else reader.skip();
  }
  if (isZero) return null;
  if (!(seconds >= YEAR_0_SECONDS && seconds < YEAR_10000_SECONDS)) {
    throw new WireError(`time of ${seconds} s is not within the years 0 to 9999`);
  }
  const second = new Date(seconds * 1_000).toISOString().slice(0, -'.000Z'.length);
  if (type === 'time') return `${second}Z`;
  if (nanoseconds < 0 || nanoseconds >= 1e9) {
    throw new WireError(`time has ${nanoseconds} ns, want less than a second`);
  }
  const microseconds = Math.floor(nanoseconds / 1_000);
  return `${second}.${String(microseconds).padStart(6, '0')}Z`;
}

/** JSON in the bytes of field 1. */
function decodeRaw(reader: ProtobufReader): unknown {
  let bytes: Buffer | undefined;
  while (reader.next()) {
    if (reader.field === 1) bytes = reader.bytes();
    else reader.skip();
  }
  if (bytes === undefined || bytes.length === 0) return null;
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new WireError(`json parse error: ${(cause as Error).message}`, { cause });
  }
}

function elementsOf(schema: Schema): Schema {
  if (schema.items === undefined) throw new Error('Cannot decode a list: it has no item schema');
  return schema.items;
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

/** Defined, not assigned: keys come from outside, and one of them may be `__proto__`. */
const OWN = { enumerable: true, configurable: true, writable: true };

const YEAR_0_SECONDS = -62_167_219_200;
const YEAR_10000_SECONDS = 253_402_300_800;
