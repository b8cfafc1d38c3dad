import { canonicalQuantity, QuantityError, type Schema } from 'kernetes/sdk';

/** A scalar of the right JSON type whose text is wrong. */
export class ScalarError extends Error {
  override name = 'ScalarError';
}

/**
 * The canonical form of a number or of a scalar with an encoding of its own. Undefined: the value
 * is of another type. Throws `ScalarError` when only its text is wrong.
 */
export function decodeScalar(value: unknown, schema: Schema): unknown {
  switch (schema.type) {
    case 'integer':
      return decodeInteger(value, schema.format);
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'quantity':
      return decodeQuantity(value);
    case 'int-or-string':
      return typeof value === 'string' ? value : decodeInteger(value, 'int32');
    case 'time':
      return typeof value === 'string' ? decodeTime(value, 0) : undefined;
    case 'micro-time':
      return typeof value === 'string' ? decodeTime(value, 6) : undefined;
    case 'bytes':
      return typeof value === 'string' ? decodeBytes(value) : undefined;
    default:
      return undefined;
  }
}

const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2 ** 63;
const TIME =
  /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,](\d+))?(Z|[-+]\d\d:[0-5]\d)$/;
const LAYOUT = '2006-01-02T15:04:05Z07:00';
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function decodeInteger(value: unknown, format: string | undefined): number | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  if (format === 'int32') {
    return value >= -INT32_MAX - 1 && value <= INT32_MAX ? value : undefined;
  }
  return value >= -INT64_MAX && value < INT64_MAX ? value : undefined;
}

function decodeQuantity(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  try {
    return canonicalQuantity(String(value).trim());
  } catch (error) {
    if (error instanceof QuantityError) throw new ScalarError(error.message);
    throw error;
  }
}

/** In UTC, with so many digits of the second's fraction. */
function decodeTime(text: string, digits: 0 | 6): string {
  const match = TIME.exec(text);
  if (match === null || !isDay(match[1] ?? '')) throw badTime(text, digits);
  const [, , , fraction = '', zone] = match;
  if (zone === 'Z' && fraction.length === digits && text.length <= CANONICAL_LENGTH_MAX)
    return text;
  const ms = Date.parse(text.replace(/[.,]\d+/, ''));
  const seconds = new Date(ms).toISOString().slice(0, 19);
  return digits === 0 ? `${seconds}Z` : `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

const CANONICAL_LENGTH_MAX = 27;

/** `2026-02-28`. Every object has a few times, so nothing is made of them here. */
function isDay(text: string): boolean {
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(5, 7));
  const day = Number(text.slice(8));
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0));
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function badTime(text: string, digits: 0 | 6): ScalarError {
  const layout = digits === 0 ? LAYOUT : MICRO_LAYOUT;
  const shown = JSON.stringify(text);
  return new ScalarError(`parsing time ${shown} as "${layout}": cannot parse ${shown} as "2006"`);
}

/** Standard base64 with padding; line breaks are let through, as Go does, and dropped. */
function decodeBytes(text: string): string {
  if (BASE64.test(text) && !text.endsWith('=')) return text;
  const bare = text.replace(/[\r\n]+/g, '');
  if (!BASE64.test(bare)) {
    throw new ScalarError(`illegal base64 data at input byte ${illegalByte(bare)}`);
  }
  // Bits beyond the last byte may be anything; encoding it again clears them.
  const tail = bare.length - 4;
  return bare.slice(0, tail) + Buffer.from(bare.slice(tail), 'base64').toString('base64');
}

function illegalByte(text: string): number {
  const bad = text.search(/[^A-Za-z0-9+/]/);
  return bad < 0 ? text.length - (text.length % 4) : bad;
}
