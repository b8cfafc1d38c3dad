import type { EncodedObject } from '../sdk/door.ts';

/**
 * The part of an object's JSON that an informer with declared fields keeps (`WatchRequest.fields`).
 * No object is parsed for it: `metadata` comes first in the bytes, and nothing in it but the list
 * of its managers is a member of the name `managedFields` whose value is a list, so both are found
 * by looking at brackets. managedFields are a third of a pod and, with a new key in every member,
 * the dearest part to parse; whoever counts references wants nothing but metadata.
 */
export function jsonForInformer(
  object: EncodedObject,
  fields: readonly string[] | undefined,
): readonly Uint8Array[] {
  if (fields === undefined) return [object.head, object.tail];
  const known = PARTS.get(object) ?? partsOf(object);
  return fields.length === 0 ? known.metadata : known.all;
}

interface Parts {
  /** Everything but managedFields. */
  readonly all: readonly Uint8Array[];
  /** Kind, version and metadata without managedFields. */
  readonly metadata: readonly Uint8Array[];
}

/** Several watches of several hosts want the same parts of an object. */
const PARTS = new WeakMap<EncodedObject, Parts>();

function partsOf(object: EncodedObject): Parts {
  const { head, tail } = object;
  const end = closingAfter(tail, tail.indexOf(BRACE_OPEN));
  const before: Uint8Array[] = [head];
  let from = 0;
  const key = Buffer.from(tail.buffer, tail.byteOffset, end).indexOf(MANAGED_FIELDS);
  if (key > 0) {
    const after = closingAfter(tail, key + MANAGED_FIELDS.length - 1);
    // It goes with the comma before it, or, when it is the first, with the one behind it.
    const isFirst = tail[key - 1] !== COMMA;
    before.push(tail.subarray(0, isFirst ? key : key - 1));
    from = isFirst && tail[after] === COMMA ? after + 1 : after;
  }
  const parts = {
    all: [...before, tail.subarray(from)],
    metadata: [...before, tail.subarray(from, end), END],
  };
  PARTS.set(object, parts);
  return parts;
}

/** The position behind the bracket that closes the one at `open`. */
function closingAfter(bytes: Uint8Array, open: number): number {
  let depth = 0;
  for (let i = open; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = closingQuote(bytes, i + 1);
    else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) depth++;
    else if ((byte === BRACE_CLOSE || byte === BRACKET_CLOSE) && --depth === 0) return i + 1;
  }
  throw new Error('Cannot read an object: its JSON ends before its metadata does');
}

function closingQuote(bytes: Uint8Array, start: number): number {
  let i = start;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

const MANAGED_FIELDS = Buffer.from('"managedFields":[');
const END = Buffer.from('}');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
