import type { Clock } from 'kernetes/sdk';

/** `promise`, or an error when it has not settled after `ms`. The timer goes when it settles. */
export function withDeadline<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(
      () => reject(new Error(`Plugin did not answer: waited ${ms} ms`)),
      ms,
    );
    const settle = (): void => timer.cancel();
    promise.then(resolve, reject).finally(settle);
  });
}
