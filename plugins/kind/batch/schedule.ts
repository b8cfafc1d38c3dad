import { isGoDuration } from 'kernetes/sdk';

/**
 * The cron grammar that Kubernetes reads (robfig/cron's standard parser): five fields, names of
 * months and days, `@hourly` and its like, `@every 1h30m`. Stricter than most: no seconds, no `L`,
 * `#` or `W`, and Sunday is 0, never 7. Texts are the parser's.
 */

/** What is wrong with a schedule; undefined when nothing is. */
export function scheduleError(schedule: string): string | undefined {
  if (schedule.startsWith('@')) return descriptorError(schedule);
  const fields = schedule.split(/\s+/).filter(field => field !== '');
  if (fields.length !== FIELDS.length) {
    return `Expected exactly 5 fields, found ${fields.length}: ${schedule}`;
  }
  for (const [i, field] of FIELDS.entries()) {
    for (const range of (fields[i] ?? '').split(',')) {
      const error = range === '' ? undefined : rangeError(range, field);
      if (error !== undefined) return error;
    }
  }
  return undefined;
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

const DESCRIPTORS = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
]);

function descriptorError(schedule: string): string | undefined {
  if (DESCRIPTORS.has(schedule)) return undefined;
  if (!schedule.startsWith('@every ')) return `unrecognized descriptor: ${schedule}`;
  const duration = schedule.slice('@every '.length);
  if (isGoDuration(duration)) return undefined;
  return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(duration)}`;
}

/** `*`, `5`, `mon-fri`, each with an optional `/step`. */
function rangeError(range: string, field: Bounds): string | undefined {
  const [span = '', stepText, ...slashes] = range.split('/');
  if (slashes.length > 0) return `too many slashes: ${range}`;
  const [low = '', high, ...hyphens] = span.split('-');
  const step = stepText === undefined ? 1 : parse(stepText);
  if (low === '*' || low === '?') return stepError(step, range);
  if (hyphens.length > 0) return `too many hyphens: ${range}`;
  const start = parse(low, field);
  // A single value with a step runs to the end: `5/10` is `5-59/10`.
  const last = stepText === undefined ? start : field.max;
  const end = high === undefined ? last : parse(high, field);
  return boundsError({ start, end, range }, field) ?? stepError(step, range);
}

function boundsError(
  { start, end, range }: { start: Parsed; end: Parsed; range: string },
  { min, max }: Bounds,
): string | undefined {
  if (typeof start === 'string') return start;
  if (typeof end === 'string') return end;
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${range}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${range}`;
  if (start <= end) return undefined;
  return `beginning of range (${start}) beyond end of range (${end}): ${range}`;
}

function stepError(step: Parsed, range: string): string | undefined {
  if (typeof step === 'string') return step;
  return step === 0 ? `step of range should be a positive number: ${range}` : undefined;
}

/** A number, or what is wrong with the text. */
type Parsed = number | string;

function parse(text: string, field?: Bounds): Parsed {
  const named = field?.names?.indexOf(text.toLowerCase()) ?? -1;
  if (field !== undefined && named >= 0) return named + field.min;
  if (/^\+?\d{1,9}$/.test(text)) return Number(text);
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}
