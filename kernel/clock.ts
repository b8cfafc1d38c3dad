import type { Clock, Timer } from '../sdk/clock.ts';

/** The machine's time. The only place of the project, beside its tests, that touches it. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimeout(callback, ms): Timer {
      const timer = setTimeout(callback, Math.min(ms, TIMER_MS_MAX));
      return { cancel: () => clearTimeout(timer), unref: () => void timer.unref() };
    },
  };
}

/** Node fires at once when asked for more. */
const TIMER_MS_MAX = 2 ** 31 - 1;
