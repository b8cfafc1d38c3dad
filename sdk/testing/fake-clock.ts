import type { Clock, Timer } from '../clock.ts';

export interface FakeClock extends Clock {
  /**
   * Goes on by `ms`, running the timers that fall due in their order, each at its own time, and
   * between them everything that promises have made ready. `step(0)` only does the latter.
   */
  step(ms: number): Promise<void>;
  /** Steps from timer to timer until `condition` holds; throws when that needs over `maxMs`. */
  until(condition: () => boolean, maxMs?: number): Promise<void>;
  /** How many timers wait. */
  readonly pending: number;
}

interface Waiting {
  readonly at: number;
  /** Ties go to the one that was set first. */
  readonly order: number;
  readonly callback: () => void;
}

/** Time that stands still until it is told to go on. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startMs;
  let order = 0;
  const waiting = new Set<Waiting>();

  function next(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const timer of waiting) {
      const earlier =
        !first || timer.at < first.at || (timer.at === first.at && timer.order < first.order);
      if (earlier) first = timer;
    }
    return first;
  }

  async function stepTo(end: number): Promise<void> {
    await settle();
    for (let timer = next(); timer && timer.at <= end; timer = next()) {
      waiting.delete(timer);
      now = Math.max(now, timer.at);
      timer.callback();
      await settle();
    }
    now = Math.max(now, end);
  }

  return {
    now: () => now,
    monotonic: () => now - startMs,
    setTimeout(callback, ms): Timer {
      // Now is a whole number of milliseconds, as the machine's.
      const timer = { at: now + Math.ceil(Math.max(0, ms)), order: order++, callback };
      waiting.add(timer);
      return { cancel: () => void waiting.delete(timer), unref() {} };
    },
    step: ms => stepTo(now + ms),
    async until(condition, maxMs = 600_000) {
      const end = now + maxMs;
      await settle();
      while (!condition()) {
        const timer = next();
        if (!timer || timer.at > end) {
          throw new Error(`Cannot reach the condition: ${waiting.size} timers wait, none helps`);
        }
        await stepTo(timer.at);
      }
    },
    get pending() {
      return waiting.size;
    },
  };
}

/** Resolves when all promises that can go on have done so: an immediate runs after all of them. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
