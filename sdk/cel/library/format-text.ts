import type { Frame, Meter } from '../meter.ts';
import { Duration, fail, ListValue, MapValue, Timestamp, TypeValue, Uint } from '../value.ts';
import { decodeUtf8, formatDouble, twoDigitExponent } from './conversions.ts';
import { formatDuration, formatTimestamp } from './time.ts';

/** `'%s is %d'.format([name, 3])` */
export function formatText(frame: Frame, template: string, values: ListValue): string {
  frame.meter.traverse(template.length);
  let next = 0;
  return template.replace(CLAUSE, (clause, precision: string | undefined, verb: string) => {
    if (clause === '%%') return '%';
    if (!VERBS.has(verb)) return fail(`could not parse formatting clause: unrecognized "${verb}"`);
    if (next >= values.size) return fail(`index ${next} out of range`);
    const value = values.get(next);
    next += 1;
    const text = clauseText(value, { verb, precision, meter: frame.meter });
    frame.meter.traverse(text.length);
    return text;
  });
}

const CLAUSE = /%(?:%|(?:\.(\d+))?([\s\S]|$))/g;
const VERBS: ReadonlySet<string> = new Set('sdfebxXo');
const PRECISION_MAX = 100;

function clauseText(
  value: unknown,
  { verb, precision, meter }: { verb: string; precision: string | undefined; meter: Meter },
): string {
  switch (verb) {
    case 's':
      return textOf(value, meter);
    case 'd':
      return typeof value === 'number' ? fail(wrong('decimal', value)) : integer(value, 10);
    case 'f':
      return fixed(value, digits(precision));
    case 'e':
      return exponential(value, digits(precision));
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : integer(value, 2);
    case 'o':
      return integer(value, 8);
    case 'X':
      return hexadecimal(value, meter).toUpperCase();
    default:
      return hexadecimal(value, meter);
  }
}

function digits(precision: string | undefined): number {
  const wanted = precision === undefined ? 6 : Number(precision);
  return wanted <= PRECISION_MAX ? wanted : fail('precision is too large');
}

function wrong(kind: string, value: unknown): string {
  return `${kind} clause can only be used on numbers, was given ${typeof value}`;
}

function integer(value: unknown, base: number): string {
  const whole = value instanceof Uint ? value.value : value;
  return typeof whole === 'bigint' ? whole.toString(base) : fail(wrong('integer', value));
}

function fixed(value: unknown, places: number): string {
  const number = asDouble(value);
  if (!Number.isFinite(number)) return formatDouble(number);
  return Math.abs(number) < 1e21
    ? number.toFixed(places)
    : `${BigInt(number)}.${'0'.repeat(places)}`;
}

function exponential(value: unknown, places: number): string {
  const number = asDouble(value);
  if (!Number.isFinite(number)) return formatDouble(number);
  return twoDigitExponent(number.toExponential(places));
}

function asDouble(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  return fail(wrong('fixed-point', value));
}

function hexadecimal(value: unknown, meter: Meter): string {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    meter.traverse(value.length);
    return Buffer.from(value).toString('hex');
  }
  return integer(value, 16);
}

/** What `%s` makes of any value; lists and maps element by element, each paid for. */
function textOf(value: unknown, meter: Meter): string {
  meter.spend(ELEMENT_COST);
  switch (typeof value) {
    case 'string':
      meter.traverse(value.length);
      return value;
    case 'number':
      return formatDouble(value);
    case 'bigint':
    case 'boolean':
      return String(value);
  }
  if (value === null) return 'null';
  if (value instanceof ListValue) return listText(value, meter);
  if (value instanceof MapValue) return mapText(value, meter);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return decodeUtf8(value);
  if (value instanceof Duration) return formatDuration(value);
  if (value instanceof Timestamp) return formatTimestamp(value);
  if (value instanceof TypeValue) return value.name;
  return fail(
    'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  );
}

const ELEMENT_COST = 0.5;

function listText(list: ListValue, meter: Meter): string {
  const parts: string[] = [];
  for (let i = 0; i < list.size; i += 1) parts.push(textOf(list.get(i), meter));
  return `[${parts.join(', ')}]`;
}

/** In the order of their keys. */
function mapText(map: MapValue, meter: Meter): string {
  const parts = map.keys().map(key => `${textOf(key, meter)}: ${textOf(map.get(key), meter)}`);
  return `{${parts.sort().join(', ')}}`;
}

const QUOTES: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
]);

/** As it could stand in an expression. */
export function quote(text: string): string {
  let quoted = '';
  for (const char of text) quoted += QUOTES.get(char) ?? char;
  return `"${quoted}"`;
}
