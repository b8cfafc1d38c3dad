import { isGoDuration, parseGoDuration } from './go-duration.ts';

/**
 * The cron grammar that Kubernetes reads (robfig/cron's standard parser): five fields, names of
 * months and days, `@hourly` and its like, `@every 1h30m`. Stricter than most: no seconds, no `L`,
 * `#` or `W`, and Sunday is 0, never 7. Texts of errors are the parser's.
 */
export type CronSchedule =
  | { readonly type: 'fields'; readonly fields: readonly CronField[] }
  /** So long after the last time, to the second; at least a second. */
  | { readonly type: 'every'; readonly everyMs: number };

/** Minute, hour, day of the month, month (1 to 12), day of the week (0: Sunday), in this order. */
export interface CronField {
  /** Ascending. */
  readonly values: readonly number[];
  /**
   * Written as `*` or `?`: where both days are restricted, that is neither is such, a day that suits
   * one of them will do.
   */
  readonly isAny: boolean;
}

/** What is wrong with a schedule; undefined when nothing is. */
export function scheduleError(schedule: string): string | undefined {
  const parsed = parseSchedule(schedule);
  return typeof parsed === 'string' ? parsed : undefined;
}

/** A schedule, or what is wrong with its text. */
export function parseSchedule(schedule: string): CronSchedule | string {
  if (schedule.startsWith('@')) return parseDescriptor(schedule);
  const texts = schedule.split(/\s+/).filter(field => field !== '');
  if (texts.length !== FIELDS.length) {
    return `Expected exactly 5 fields, found ${texts.length}: ${schedule}`;
  }
  const fields: CronField[] = [];
  for (const [i, bounds] of FIELDS.entries()) {
    const field = parseField(texts[i] ?? '', bounds);
    if (typeof field === 'string') return field;
    fields.push(field);
  }
  return { type: 'fields', fields };
}

/** The values of one field. */
interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
}

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { min: 0, max: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
];

const DESCRIPTORS: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

function parseDescriptor(schedule: string): CronSchedule | string {
  const fields = DESCRIPTORS.get(schedule);
  if (fields !== undefined) return parseSchedule(fields);
  if (!schedule.startsWith('@every ')) return `unrecognized descriptor: ${schedule}`;
  const duration = schedule.slice('@every '.length);
  const nanoseconds = isGoDuration(duration) ? parseGoDuration(duration) : undefined;
  if (nanoseconds === undefined) {
    return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
  }
  const seconds = Math.floor(Number(nanoseconds) / 1e9);
  return { type: 'every', everyMs: Math.max(1, seconds) * 1000 };
}

function parseField(text: string, bounds: Bounds): CronField | string {
  const values = new Set<number>();
  let isAny = false;
  for (const part of text.split(',')) {
    if (part === '') continue;
    const range = parseRange(part, bounds);
    if (typeof range === 'string') return range;
    isAny ||= range.isAny;
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
  }
  return { values: [...values].sort((a, b) => a - b), isAny };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isAny: boolean;
}

/** `*`, `5`, `mon-fri`, each with an optional `/step`. */
function parseRange(range: string, field: Bounds): Range | string {
  const [span = '', stepText, ...slashes] = range.split('/');
  if (slashes.length > 0) return `too many slashes: ${range}`;
  const [low = '', high, ...hyphens] = span.split('-');
  const step = stepText === undefined ? 1 : parse(stepText);
  if (typeof step === 'string') return step;
  if (low === '*' || low === '?') {
    const any = { start: field.min, end: field.max, step, isAny: step <= 1 };
    return stepError(step, range) ?? any;
  }
  if (hyphens.length > 0) return `too many hyphens: ${range}`;
  const start = parse(low, field);
  if (typeof start === 'string') return start;
  // A single value with a step runs to the end: `5/10` is `5-59/10`.
  const last = stepText === undefined ? start : field.max;
  const end = high === undefined ? last : parse(high, field);
  if (typeof end === 'string') return end;
  const error = boundsError({ start, end, range }, field) ?? stepError(step, range);
  return error ?? { start, end, step, isAny: false };
}

function boundsError(
  { start, end, range }: { start: number; end: number; range: string },
  { min, max }: Bounds,
): string | undefined {
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${range}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${range}`;
  if (start <= end) return undefined;
  return `beginning of range (${start}) beyond end of range (${end}): ${range}`;
}

function stepError(step: number, range: string): string | undefined {
  return step === 0 ? `step of range should be a positive number: ${range}` : undefined;
}

/** A number, or what is wrong with the text. */
function parse(text: string, field?: Bounds): number | string {
  const named = field?.names?.indexOf(text.toLowerCase()) ?? -1;
  if (field !== undefined && named >= 0) return named + field.min;
  if (/^\+?\d{1,9}$/.test(text)) return Number(text);
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}
