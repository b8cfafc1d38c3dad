import type { CronJob } from 'kernetes/sdk';
import type { Schedule } from './schedule.ts';

/** What a schedule says at a moment. Milliseconds since the epoch. */
export interface Due {
  /** The last start that was not made yet; undefined: none is due. */
  readonly at: number | undefined;
  /** So many were missed that something must be wrong: the clock, or the deadline. */
  readonly isFlood: boolean;
}

/**
 * The last start between the one that was made last (or the CronJob's creation, or the deadline,
 * whichever is latest) and now.
 */
export function dueAt(cronJob: CronJob, schedule: Schedule, now: number): Due {
  const deadlineMs = (cronJob.spec.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  const first = schedule.next(Math.max(lastStart(cronJob), now - deadlineMs));
  if (first === undefined || first > now) return { at: undefined, isFlood: false };
  const second = schedule.next(first);
  if (second === undefined || second > now) return { at: first, isFlood: false };
  const interval = second - first;
  const isFlood = Math.floor((now - first) / interval) + 1 > MISSED_MAX;
  return { at: lastBefore(now, schedule, { first, interval }), isFlood };
}

/** When it was started last, or made. Milliseconds since the epoch. */
export function lastStart({ status, metadata }: CronJob): number {
  return Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '');
}

/** Looked for near the end, not from the first one on: of a year of minutes only the last are walked. */
function lastBefore(
  now: number,
  schedule: Schedule,
  { first, interval }: { readonly first: number; readonly interval: number },
): number {
  for (let window = 2 * interval; ; window *= 2) {
    const from = Math.max(first, now - window);
    let last: number | undefined;
    for (let next = schedule.next(from); next !== undefined && next <= now; ) {
      last = next;
      next = schedule.next(next);
    }
    if (last !== undefined || from === first) return last ?? first;
  }
}

/** Upstream's: more are told as an event. */
const MISSED_MAX = 100;
