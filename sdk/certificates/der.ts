/**
 * Reads DER, the form of certificates and of requests for them: as little of it as those have, and
 * strictly, so that nothing is read here in another way than a program reads it that uses the
 * certificate. A library that does all of ASN.1 would be the largest module of the API path.
 */

/** One value. */
export interface Der {
  /** Class, whether it is constructed, and number: one byte, as all that is of use here has. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly bytes: Uint8Array;
}

export const TAG = {
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The one value that the bytes are, which must have the tag. Throws on anything else. */
export function readDer(bytes: Uint8Array, tag: number): Der {
  const [first, ...rest] = readAll(bytes);
  if (first === undefined || rest.length > 0) throw malformed('trailing data');
  return expectTag(first, tag);
}

/** The values within a constructed one. */
export function childrenOf({ content }: Der): Der[] {
  return readAll(content);
}

export function expectTag(der: Der | undefined, tag: number): Der {
  if (der?.tag !== tag) throw malformed(`tag ${der?.tag ?? 'none'}, want ${tag}`);
  return der;
}

/** `2.5.4.3` */
export function objectIdOf(der: Der | undefined): string {
  const { content } = expectTag(der, TAG.objectId);
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER / 128) throw malformed('an object identifier is too large');
    if (byte & 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.trunc(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

/** Undefined for what is no string. Throws where the bytes are none of the string's alphabet. */
export function textOf({ tag, content }: Der): string | undefined {
  const bytes = Buffer.from(content);
  switch (tag) {
    case TAG.utf8String:
      return utf8(bytes);
    case TAG.numericString:
    case TAG.printableString:
    case TAG.ia5String:
      return asciiOf(content);
    case TAG.teletexString:
      return bytes.toString('latin1');
    case TAG.bmpString:
      if (bytes.length % 2 === 1) throw malformed('half a character');
      return bytes.swap16().toString('utf16le');
    default:
      return undefined;
  }
}

export function asciiOf(content: Uint8Array): string {
  const text = Buffer.from(content).toString('latin1');
  if (content.some(byte => byte > 0x7f)) throw malformed('a character that is not ASCII');
  return text;
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('invalid UTF-8');
  }
}

function readAll(bytes: Uint8Array): Der[] {
  const all: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = readAt(bytes, at);
    all.push(next);
    at += next.bytes.length;
  }
  return all;
}

function readAt(bytes: Uint8Array, start: number): Der {
  const tag = bytes[start] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw malformed('a tag of several bytes');
  const { length, at } = lengthAt(bytes, start + 1);
  const end = at + length;
  if (end > bytes.length) throw malformed('data truncated');
  return { tag, content: bytes.subarray(at, end), bytes: bytes.subarray(start, end) };
}

/** The length that stands at `start`, and where what follows it begins. */
function lengthAt(bytes: Uint8Array, start: number): { length: number; at: number } {
  const first = bytes[start];
  if (first === undefined) throw malformed('data truncated');
  if (first < 0x80) return { length: first, at: start + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw malformed('an indefinite or very large length');
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + (bytes[start + i] ?? 0);
  if (length < 0x80 || length < 256 ** (count - 1)) throw malformed('a length that is not minimal');
  return { length, at: start + 1 + count };
}

function malformed(what: string): Error {
  return new Error(`asn1: structure error: ${what}`);
}
