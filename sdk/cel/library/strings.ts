import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { fail, ListValue } from '../value.ts';
import { formatText, quote } from './format-text.ts';

/** Indexes count code points, as upstream's runes. */
export const STRINGS: Library = {
  'string.startsWith(string): bool': ({ meter }, text: string, prefix: string) => {
    meter.traverse(prefix.length);
    return text.startsWith(prefix);
  },
  'string.endsWith(string): bool': ({ meter }, text: string, suffix: string) => {
    meter.traverse(suffix.length);
    return text.endsWith(suffix);
  },
  'string.contains(string): bool': (frame, text: string, part: string) => {
    spendSearch(frame, text, part);
    return text.includes(part);
  },
  'string.charAt(int): string': (frame, text: string, index: bigint) => {
    const points = pointsOf(frame, text);
    return points[position(index, points.length)] ?? '';
  },
  'string.indexOf(string): int': (frame, text: string, part: string) =>
    indexOf(frame, { text, part, from: 0n }),
  'string.indexOf(string, int): int': (frame, text: string, part: string, from: bigint) =>
    indexOf(frame, { text, part, from }),
  'string.lastIndexOf(string): int': (frame, text: string, part: string) =>
    lastIndexOf(frame, { text, part, from: undefined }),
  'string.lastIndexOf(string, int): int': (frame, text: string, part: string, from: bigint) =>
    lastIndexOf(frame, { text, part, from }),
  'string.lowerAscii(): string': ({ meter }, text: string) => {
    meter.traverse(text.length);
    return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
  },
  'string.upperAscii(): string': ({ meter }, text: string) => {
    meter.traverse(text.length);
    return text.replace(/[a-z]+/g, letters => letters.toUpperCase());
  },
  'string.replace(string, string): string': (frame, text: string, old: string, by: string) =>
    replace(frame, text, { old, by, limit: -1n }),
  'string.replace(string, string, int): string': (
    frame,
    text: string,
    old: string,
    by: string,
    limit: bigint,
  ) => replace(frame, text, { old, by, limit }),
  'string.split(string): list<string>': (frame, text: string, separator: string) =>
    new ListValue(split(frame, text, { separator, limit: -1n })),
  'string.split(string, int): list<string>': (
    frame,
    text: string,
    separator: string,
    limit: bigint,
  ) => new ListValue(split(frame, text, { separator, limit })),
  'list<string>.join(): string': (frame, list: ListValue) => join(frame, list, ''),
  'list<string>.join(string): string': join,
  'string.substring(int): string': (frame, text: string, start: bigint) =>
    substring(frame, text, { start, end: undefined }),
  'string.substring(int, int): string': (frame, text: string, start: bigint, end: bigint) =>
    substring(frame, text, { start, end }),
  'string.trim(): string': ({ meter }, text: string) => {
    meter.traverse(text.length);
    return text.trim();
  },
  'string.reverse(): string': (frame, text: string) =>
    [...pointsOf(frame, text)].reverse().join(''),
  'string.format(list<dyn>): string': formatText,
  'strings.quote(string): string': ({ meter }, text: string) => {
    meter.traverse(text.length);
    return quote(text);
  },
  'jsonpatch.escapeKey(string): string': ({ meter }, text: string) => {
    meter.traverse(text.length);
    return text.replaceAll('~', '~0').replaceAll('/', '~1');
  },
};

const SURROGATE = /[\ud800-\udfff]/;

/** Code points; the text itself where each is one unit. */
function pointsOf({ meter }: Frame, text: string): string | readonly string[] {
  meter.traverse(text.length);
  return SURROGATE.test(text) ? [...text] : text;
}

function position(index: bigint, length: number): number {
  return index >= 0n && index <= length ? Number(index) : fail(`index out of range: ${index}`);
}

/** Searching can take as long as the product. */
function spendSearch({ meter }: Frame, text: string, part: string): void {
  meter.spend(Math.ceil(text.length * 0.1) * Math.ceil(part.length * 0.1));
}

interface Search {
  readonly text: string;
  readonly part: string;
}

function indexOf(frame: Frame, { text, part, from }: Search & { from: bigint }): bigint {
  spendSearch(frame, text, part);
  const points = pointsOf(frame, text);
  const start = position(from, points.length);
  if (typeof points === 'string') return BigInt(points.indexOf(part, start));
  const found = text.indexOf(part, unitAt(points, start));
  return found < 0 ? -1n : pointAt(text, found);
}

function lastIndexOf(
  frame: Frame,
  { text, part, from }: Search & { from: bigint | undefined },
): bigint {
  spendSearch(frame, text, part);
  const points = pointsOf(frame, text);
  const start = from === undefined ? points.length : position(from, points.length);
  if (typeof points === 'string') return BigInt(points.lastIndexOf(part, start));
  const found = text.lastIndexOf(part, unitAt(points, start));
  return found < 0 ? -1n : pointAt(text, found);
}

function unitAt(points: readonly string[], point: number): number {
  return points.slice(0, point).join('').length;
}

function pointAt(text: string, unit: number): bigint {
  return BigInt([...text.slice(0, unit)].length);
}

/** The parts of `text`, of which the last holds the rest. */
function split(
  { meter }: Frame,
  text: string,
  { separator, limit }: { separator: string; limit: bigint },
): readonly string[] {
  if (limit === 0n) return [];
  meter.spend(text.length * PART_COST + 1);
  const parts = separator === '' ? [...text] : text.split(separator);
  if (limit < 0n || parts.length <= limit) return parts;
  const kept = parts.slice(0, Number(limit) - 1);
  return [...kept, parts.slice(kept.length).join(separator)];
}

/** Each character may become a part. */
const PART_COST = 0.2;

function replace(
  frame: Frame,
  text: string,
  { old, by, limit }: { old: string; by: string; limit: bigint },
): string {
  frame.meter.traverse(text.length);
  if (limit === 0n) return text;
  const replaced = old === '' ? splitAround(text) : undefined;
  const parts = replaced ?? split(frame, text, { separator: old, limit: -1n });
  const count = limit < 0n ? parts.length - 1 : Math.min(Number(limit), parts.length - 1);
  frame.meter.traverse(count * by.length);
  const rest = parts.slice(count).join(old);
  return (
    parts
      .slice(0, count)
      .map(part => part + by)
      .join('') + rest
  );
}

/** Before each character and at the end, as Go replaces the empty text. */
function splitAround(text: string): readonly string[] {
  return ['', ...text, ''];
}

function join({ meter }: Frame, list: ListValue, separator: string): string {
  meter.traverse(list.size * (1 + separator.length));
  const parts: string[] = [];
  for (let i = 0; i < list.size; i += 1) {
    const part = list.get(i);
    if (typeof part !== 'string') return fail('no such overload');
    meter.traverse(part.length);
    parts.push(part);
  }
  return parts.join(separator);
}

function substring(
  frame: Frame,
  text: string,
  { start, end }: { start: bigint; end: bigint | undefined },
): string {
  const points = pointsOf(frame, text);
  const to = end === undefined ? points.length : position(end, points.length);
  const from = position(start, points.length);
  if (from > to) return fail(`invalid substring range. start: ${from}, end: ${to}`);
  const part = points.slice(from, to);
  return typeof part === 'string' ? part : part.join('');
}
