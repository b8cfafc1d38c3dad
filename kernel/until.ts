import type { Clock } from '../sdk/clock.ts';
import { apiVersionOf, type Kind, type KubeObject } from '../sdk/kind.ts';
import type { ObjectClient } from '../sdk/objects.ts';
import type { WatchEvent } from '../sdk/request.ts';
import { ApiError } from '../sdk/status.ts';

/** Which object to wait for. */
export interface UntilTarget<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly name: string;
  /** Default: `default`. */
  readonly namespace?: string;
}

export interface UntilOptions {
  /** Default: 30,000. */
  readonly timeoutMs?: number;
  /** Ends the waiting with its reason. */
  readonly signal?: AbortSignal;
}

/** The object was not as wanted within the time; `last` is how it was then. */
export class UntilTimeoutError extends Error {
  override name = 'UntilTimeoutError';
  readonly last: KubeObject | undefined;
  constructor(what: string, timeoutMs: number, last: KubeObject | undefined) {
    const state = last === undefined ? 'it does not exist' : `it is ${JSON.stringify(last)}`;
    super(`Cannot wait longer for ${what}: after ${timeoutMs} ms ${state}`);
    this.last = last;
  }
}

/** Waits, by a watch, until an object is as wanted, and resolves with it. */
export function untilObject<T extends KubeObject>(
  { objects, clock }: { readonly objects: ObjectClient; readonly clock: Clock },
  target: UntilTarget<T>,
  predicate: (object: T) => boolean,
  options: UntilOptions = {},
): Promise<T> {
  const { kind, name, namespace = 'default' } = target;
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  const request = {
    group: kind.group,
    version: kind.version,
    resource: kind.resource,
    name,
    ...(kind.namespaced && { namespace }),
  };
  return new Promise<T>((resolve, reject) => {
    let last: T | undefined;
    let stopWatch = () => {};
    let done = false;
    const finish = (settle: () => void) => {
      if (done) return;
      done = true;
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      stopWatch();
      settle();
    };
    const fail = (error: unknown) => finish(() => reject(error));
    const onAbort = () => fail(signal?.reason);
    const look = ({ type, object }: WatchEvent<T>) => {
      if (done || type === 'BOOKMARK') return;
      last = type === 'DELETED' ? undefined : object;
      if (last !== undefined && predicate(last)) finish(() => resolve(object));
    };
    const watch = () => {
      stopWatch = objects.watch<T>(request, {
        onEvents(events) {
          try {
            for (const event of events) look(event);
          } catch (error) {
            fail(error);
          }
        },
        onEnd(error) {
          if (done) return;
          if (ApiError.is(error, 'Expired')) queueMicrotask(watch);
          else fail(error);
        },
      });
      // It may tell its first events before it has returned how to stop it.
      if (done) stopWatch();
    };
    const what = `${apiVersionOf(kind)} ${kind.kind} "${name}"`;
    const timer = clock.setTimeout(
      () => fail(new UntilTimeoutError(what, timeoutMs, last)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    else watch();
  });
}

/** Everything simulated is done in far less; a test that waits longer waits for nothing. */
const TIMEOUT_MS = 30_000;
