import { Cron } from 'croner';
import { type CronSchedule, parseSchedule } from 'kernetes/sdk';

/** Whole milliseconds since the epoch, of the first start after another instant. */
export interface Schedule {
  /** Undefined: never again (the 30th of February). */
  next(after: number): number | undefined;
}

export interface ScheduleOptions {
  readonly timeZone: string;
  /** From where `@every` counts: a start that was made, or the CronJob's creation. */
  readonly since: number;
}

/**
 * Reads a schedule; a text says what is wrong with it. Every instant counts whose local time suits
 * the fields, as upstream: an hour that a clock repeats counts twice, one that it skips not at all.
 * That is why the library walks a calendar without time zones here, and the zone is laid over it:
 * by itself it leaves the repeated hour out, of an hourly schedule too.
 */
export function readSchedule(
  text: string,
  { timeZone, since }: ScheduleOptions,
): Schedule | string {
  const parsed = parseSchedule(text);
  if (typeof parsed === 'string') return parsed;
  if (parsed.type === 'every') {
    const { everyMs } = parsed;
    const first = Math.floor(since / 1000) * 1000;
    return { next: after => first + (Math.floor((after - first) / everyMs) + 1) * everyMs };
  }
  return zoned(calendarOf(parsed), offsetsOf(timeZone));
}

/** The next wall time after another, both as if the wall were in UTC. */
type Calendar = (after: number) => number | undefined;

/** By how much the wall is ahead of UTC at an instant, in milliseconds. */
type Offsets = (instant: number) => number;

function calendarOf({ fields }: CronSchedule & { type: 'fields' }): Calendar {
  if (fields.some(({ values }) => values.length === 0)) return () => undefined;
  const pattern = fields.map(({ values, isAny }) => (isAny ? '*' : values.join(','))).join(' ');
  const cron = new Cron(pattern, { timezone: 'UTC', mode: '5-part', paused: true });
  return after => cron.nextRun(new Date(after))?.getTime();
}

function zoned(calendar: Calendar, offsetAt: Offsets): Schedule {
  return {
    next(after) {
      let from = after;
      for (let changes = 0; changes <= OFFSET_CHANGES_MAX; changes++) {
        const offset = offsetAt(from);
        const wall = calendar(from + offset);
        if (wall === undefined) return undefined;
        const instant = wall - offset;
        if (offsetAt(instant) === offset) return instant;
        // The clocks change before that: what comes first after the change is looked for anew.
        const change = changeBetween(from, instant, offsetAt);
        const first = calendar(change - 1 + offsetAt(change));
        if (first !== undefined && first - offsetAt(change) === change) return change;
        from = change;
      }
      return undefined;
    },
  };
}

/** The first instant at which the offset is another than at `from`, which it is at `to`. */
function changeBetween(from: number, to: number, offsetAt: Offsets): number {
  const offset = offsetAt(from);
  let same = from;
  let other = to;
  // A zone can change there and back within the time; steps of a week do not jump over it.
  for (let at = from; at < to; at += WEEK_MS) {
    if (offsetAt(at) === offset) same = at;
    else {
      other = at;
      break;
    }
  }
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle) === offset) same = middle;
    else other = middle;
  }
  return other;
}

function offsetsOf(timeZone: string): Offsets {
  if (timeZone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return instant => {
    const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value;
    const [, sign, hours = '0', minutes = '0', seconds = '0'] =
      /GMT(?:([-+])(\d+):(\d+)(?::(\d+))?)?/.exec(name ?? '') ?? [];
    const ahead = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
    return (sign === '-' ? -ahead : ahead) * 1000;
  };
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** The 29th of February is at most eight years away: two changes a year, and some to spare. */
const OFFSET_CHANGES_MAX = 40;
