import type { Pod } from 'kernetes/sdk';
import { finishedAt } from './tracked-pod.ts';

/** How often pods of a Job failed since one last succeeded. */
export interface Backoff {
  readonly failures: number;
  readonly lastFailureAt: number;
}

export const NO_BACKOFF: Backoff = { failures: 0, lastFailureAt: 0 };

/** After these pods have ended as well. */
export function nextBackoff(
  old: Backoff,
  { succeeded, failed }: { readonly succeeded: readonly Pod[]; readonly failed: readonly Pod[] },
): Backoff {
  if (succeeded.length === 0 && failed.length === 0) return old;
  const lastSuccessAt = Math.max(Number.NEGATIVE_INFINITY, ...succeeded.map(finishedAt));
  const later = failed.map(finishedAt).filter(time => time > lastSuccessAt);
  const before = succeeded.length > 0 ? NO_BACKOFF : old;
  if (later.length === 0) return before;
  return { failures: before.failures + later.length, lastFailureAt: Math.max(...later) };
}

/** How long no pod is made after failures in a row. */
export function msUntilRetry({ failures, lastFailureAt }: Backoff, now: number): number {
  if (failures === 0) return 0;
  const pause = Math.min(BACKOFF_FIRST_MS * 2 ** (failures - 1), BACKOFF_MAX_MS);
  return Math.max(0, lastFailureAt + pause - now);
}

/** Upstream's. */
const BACKOFF_FIRST_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;
