import type { Clock, Timer } from 'kernetes/sdk';

/** A clock whose timers end together, and of which none begins afterwards. */
export class StoppableClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimeout(callback: () => void, ms: number): Timer {
    if (this.#isStopped) return { cancel() {}, unref() {} };
    const inner = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer);
        inner.cancel();
      },
      unref: () => inner.unref(),
    };
    this.#timers.add(timer);
    return timer;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of [...this.#timers]) timer.cancel();
  }
}
