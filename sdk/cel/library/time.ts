import { parseGoDuration } from '../../go-duration.ts';
import type { Frame } from '../meter.ts';
import type { Implementation, Library } from '../overload.ts';
import { Duration, fail, Timestamp } from '../value.ts';

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
const DAY_MS = 86_400_000;

/** RFC 3339. */
export function parseTimestamp(text: string): Timestamp {
  const match = text.length <= TEXT_LENGTH_MAX ? RFC3339.exec(text) : null;
  if (!match) return fail(`invalid timestamp "${text.slice(0, TEXT_LENGTH_MAX)}"`);
  const [, moment = '', fraction = '', zone = ''] = match;
  const milliseconds = Date.parse(`${moment}${zone}`.toUpperCase());
  if (Number.isNaN(milliseconds) || !isCalendarDay(moment))
    return fail(`invalid timestamp "${text}"`);
  const nanoseconds = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return new Timestamp(BigInt(milliseconds) * MILLISECOND + nanoseconds);
}

const TEXT_LENGTH_MAX = 64;
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/i;

/** JavaScript takes the 30th of February for a day in March. */
function isCalendarDay(moment: string): boolean {
  const [year = 0, month = 0, day = 0] = moment.slice(0, 10).split('-').map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Go's durations: `1h30m`, `-1.5s`. */
export function parseDuration(text: string): Duration {
  const nanoseconds = text.length <= TEXT_LENGTH_MAX ? parseGoDuration(text) : undefined;
  if (nanoseconds === undefined)
    return fail(`invalid duration "${text.slice(0, TEXT_LENGTH_MAX)}"`);
  return new Duration(nanoseconds);
}

export function formatTimestamp({ nanoseconds }: Timestamp): string {
  const [milliseconds, rest] = floorDivide(nanoseconds, MILLISECOND);
  const text = new Date(Number(milliseconds)).toISOString();
  const nanos = `${text.slice(20, 23)}${String(rest).padStart(6, '0')}`.replace(/0+$/, '');
  return `${text.slice(0, 19)}${nanos === '' ? '' : `.${nanos}`}Z`;
}

export function formatDuration({ nanoseconds }: Duration): string {
  const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = String(absolute % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const seconds = `${absolute / SECOND}${fraction === '' ? '' : `.${fraction}`}`;
  return `${nanoseconds < 0n ? '-' : ''}${seconds}s`;
}

function floorDivide(dividend: bigint, divisor: bigint): [bigint, bigint] {
  const rest = ((dividend % divisor) + divisor) % divisor;
  return [(dividend - rest) / divisor, rest];
}

/** A moment as a clock of a zone shows it: a Date whose UTC fields are the zone's. */
function localTime({ nanoseconds }: Timestamp, zone: string, frame: Frame): Date {
  const milliseconds = Number(floorDivide(nanoseconds, MILLISECOND)[0]);
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (hours !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
    return new Date(milliseconds + (sign === '-' ? -offset : offset));
  }
  if (zone === '' || zone === 'UTC') return new Date(milliseconds);
  frame.meter.spend(ZONE_COST);
  return new Date(milliseconds + zoneOffset(milliseconds, zone));
}

/** Looking a zone up takes as long as this many operations. */
const ZONE_COST = 1000;

function zoneOffset(milliseconds: number, timeZone: string): number {
  if (!/^[A-Za-z0-9_+\-/]{1,64}$/.test(timeZone)) return fail(`unknown time zone ${timeZone}`);
  const parts = new Map<string, number>();
  for (const { type, value } of formatIn(timeZone).formatToParts(milliseconds)) {
    parts.set(type, Number(value));
  }
  const [year = 0, month = 1, day, hour, minute, second] = ZONE_PARTS.map(part => parts.get(part));
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  return shown - Math.floor(milliseconds / 1000) * 1000;
}

const ZONE_PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

/** Making one takes a good part of a millisecond. */
const formats = new Map<string, Intl.DateTimeFormat>();
const FORMATS_MAX = 128;

function formatIn(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = newFormat(timeZone);
  if (formats.size >= FORMATS_MAX) formats.clear();
  formats.set(timeZone, made);
  return made;
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  const options = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const clock = {
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
    hourCycle: 'h23',
  } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, ...options, ...clock });
  } catch {
    return fail(`unknown time zone ${timeZone}`);
  }
}

const FIELDS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: date => date.getUTCFullYear(),
  getMonth: date => date.getUTCMonth(),
  getDate: date => date.getUTCDate(),
  getDayOfMonth: date => date.getUTCDate() - 1,
  getDayOfWeek: date => date.getUTCDay(),
  getDayOfYear: date =>
    Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS),
  getHours: date => date.getUTCHours(),
  getMinutes: date => date.getUTCMinutes(),
  getSeconds: date => date.getUTCSeconds(),
  getMilliseconds: date => date.getUTCMilliseconds(),
};

const LENGTHS: Readonly<Record<string, bigint>> = {
  getHours: 3600n * SECOND,
  getMinutes: 60n * SECOND,
  getSeconds: SECOND,
  getMilliseconds: MILLISECOND,
};

export const TIME: Library = {
  'timestamp(string): timestamp': (frame, text: string) => {
    frame.meter.traverse(text.length);
    return parseTimestamp(text);
  },
  'timestamp(int): timestamp': (_, seconds: bigint) => new Timestamp(seconds * SECOND),
  'timestamp(timestamp): timestamp': (_, value: Timestamp) => value,
  'duration(string): duration': (frame, text: string) => {
    frame.meter.traverse(text.length);
    return parseDuration(text);
  },
  'duration(int): duration': (_, nanoseconds: bigint) => new Duration(nanoseconds),
  'duration(duration): duration': (_, value: Duration) => value,
  '_+_(timestamp, duration): timestamp': (_, a: Timestamp, b: Duration) =>
    shifted(a, b.nanoseconds),
  '_+_(duration, timestamp): timestamp': (_, a: Duration, b: Timestamp) =>
    shifted(b, a.nanoseconds),
  '_+_(duration, duration): duration': (_, a: Duration, b: Duration) =>
    new Duration(a.nanoseconds + b.nanoseconds),
  '_-_(timestamp, duration): timestamp': (_, a: Timestamp, b: Duration) =>
    shifted(a, -b.nanoseconds),
  '_-_(timestamp, timestamp): duration': (_, a: Timestamp, b: Timestamp) =>
    new Duration(a.nanoseconds - b.nanoseconds),
  '_-_(duration, duration): duration': (_, a: Duration, b: Duration) =>
    new Duration(a.nanoseconds - b.nanoseconds),
  '-_(duration): duration': (_, a: Duration) => new Duration(-a.nanoseconds),
  'string(timestamp): string': (_, value: Timestamp) => formatTimestamp(value),
  'string(duration): string': (_, value: Duration) => formatDuration(value),
  'int(timestamp): int': (_, value: Timestamp) => floorDivide(value.nanoseconds, SECOND)[0],
  'int(duration): int': (_, value: Duration) => value.nanoseconds,
  ...accessors(),
};

function shifted({ nanoseconds }: Timestamp, by: bigint): Timestamp {
  return new Timestamp(nanoseconds + by);
}

function accessors(): Library {
  const library: Record<string, Implementation> = {};
  for (const [name, read] of Object.entries(FIELDS)) {
    library[`timestamp.${name}(): int`] = (frame, value: Timestamp) =>
      BigInt(read(localTime(value, '', frame)));
    library[`timestamp.${name}(string): int`] = (frame, value: Timestamp, zone: string) =>
      BigInt(read(localTime(value, zone, frame)));
  }
  for (const [name, unit] of Object.entries(LENGTHS)) {
    library[`duration.${name}(): int`] = (_, value: Duration) => value.nanoseconds / unit;
  }
  return library;
}
