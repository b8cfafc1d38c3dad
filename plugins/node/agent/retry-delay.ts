/** How long to wait before the next try, and since when that holds. */
export interface RetryDelay {
  readonly ms: number;
  readonly sinceMs: number;
}

/** Upstream's: 10 seconds, doubling up to 5 minutes, forgotten after twice that without trouble. */
const FIRST_MS = 10_000;
const MAX_MS = 300_000;
const RESET_AFTER_MS = 2 * MAX_MS;

/** The delay after one more failure; `eventMs` is when it happened. */
export function nextDelay(
  last: RetryDelay | undefined,
  { nowMs, eventMs }: { readonly nowMs: number; readonly eventMs: number },
): RetryDelay {
  if (!last || eventMs - last.sinceMs > RESET_AFTER_MS) return { ms: FIRST_MS, sinceMs: nowMs };
  return { ms: Math.min(last.ms * 2, MAX_MS), sinceMs: nowMs };
}

/** When what failed at `eventMs` may be tried again. */
export function retryAtMs(last: RetryDelay | undefined, eventMs: number): number {
  if (!last || eventMs - last.sinceMs > RESET_AFTER_MS) return eventMs;
  return eventMs + last.ms;
}

/** `10s`, `2m40s`, as Go prints it. */
export function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
