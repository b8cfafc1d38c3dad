import { addUsage, excessUsage, parseUsage, type ResourceQuota, type Usage } from 'kernetes/sdk';

/**
 * What was lately taken off each quota. An object is stored a moment after admission took what it
 * uses, and seen here another moment later; who counts in between must not give it to somebody
 * else. So what was taken within `SETTLE_MS` may be held back for objects that are still to come.
 * The way dropped: to wait until nothing is taken any more, which in a busy namespace is never.
 */
export class Raises {
  readonly #byQuota = new Map<string, Raise[]>();

  /** The quota is now so; `old` is how it was last, if it was there. */
  seen(
    key: string,
    { status }: ResourceQuota,
    old: ResourceQuota | undefined,
    nowMs: number,
  ): void {
    const usage = excessUsage(parseUsage(status?.used), parseUsage(old?.status?.used));
    if (usage.size === 0) return;
    const raises = this.#recent(key, nowMs);
    raises.push({ atMs: nowMs, usage });
    this.#byQuota.set(key, raises);
  }

  forget(key: string): void {
    this.#byQuota.delete(key);
  }

  /** What may not be counted yet, at most. */
  sum(key: string, nowMs: number): Usage {
    return this.#recent(key, nowMs).reduce(
      (sum, { usage }) => addUsage(sum, usage),
      new Map() as Usage,
    );
  }

  /** How long until all that was taken by now is counted. */
  msLeft(key: string, nowMs: number): number {
    const last = this.#recent(key, nowMs).at(-1);
    return last ? last.atMs + SETTLE_MS - nowMs : 0;
  }

  #recent(key: string, nowMs: number): Raise[] {
    const recent = (this.#byQuota.get(key) ?? []).filter(({ atMs }) => atMs + SETTLE_MS > nowMs);
    if (recent.length > 0) this.#byQuota.set(key, recent);
    else this.#byQuota.delete(key);
    return recent;
  }
}

interface Raise {
  readonly atMs: number;
  readonly usage: Usage;
}

/** Storing an object takes milliseconds; a busy machine may take some hundred. */
const SETTLE_MS = 500;
