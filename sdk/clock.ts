/**
 * Time as plugins see it. Injected everywhere, so that tests and simulations step it; nothing
 * else in a plugin may ask the machine for the time or wait.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. For measuring, not for objects. */
  monotonic(): number;
  /** Calls `callback` once, `ms` milliseconds from now, unless cancelled before. */
  setTimeout(callback: () => void, ms: number): Timer;
}

export interface Timer {
  /** Idempotent; the callback does not run after it. */
  cancel(): void;
  /** The process may end although this timer is pending. */
  unref(): void;
}

/** Resolves after `ms` milliseconds of `clock`, or rejects with the signal's reason. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** RFC 3339 with whole seconds: what `metav1.Time` looks like on the wire. */
export function toTime(ms: number): string {
  const second = Math.floor(ms / 1_000);
  // A busy server says the same second thousands of times.
  if (second !== LAST.second) {
    LAST.text = `${new Date(ms).toISOString().slice(0, 19)}Z`;
    LAST.second = second;
  }
  return LAST.text;
}

const LAST = { second: Number.NaN, text: '' };

/** RFC 3339 with microseconds: `metav1.MicroTime`. */
export function toMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}
