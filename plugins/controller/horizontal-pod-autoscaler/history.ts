interface Dated {
  readonly replicas: number;
  readonly at: number;
}

interface Attempt {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/**
 * What one autoscaler wished and did lately. It is not kept: who starts anew begins with what is
 * there, as upstream.
 */
export class History {
  #recommendations: Dated[];
  #changes: Dated[] = [];
  #attempt: Attempt | undefined;

  constructor(current: number, now: number) {
    this.#recommendations = [{ replicas: current, at: now }];
  }

  recommend(replicas: number, now: number): void {
    this.#recommendations = recent(this.#recommendations, now);
    this.#recommendations.push({ replicas, at: now });
  }

  /** A change begins, of which perhaps no answer comes. */
  attempt(from: number, to: number, now: number): void {
    this.#attempt = { from, to, at: now };
  }

  /** There are so many now. What was attempted and is so now was done, whatever the answer was. */
  found(current: number): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    if (attempt?.to === current) this.changed(attempt.to - attempt.from, attempt.at);
  }

  /** `difference`: of the number of replicas. */
  changed(difference: number, now: number): void {
    this.#changes = recent(this.#changes, now);
    this.#changes.push({ replicas: difference, at: now });
  }

  recommendedAfter(time: number): number[] {
    return this.#recommendations.filter(({ at }) => at > time).map(({ replicas }) => replicas);
  }

  /** Those of that very time too. */
  recommendedSince(time: number): number[] {
    return this.#recommendations.filter(({ at }) => at >= time).map(({ replicas }) => replicas);
  }

  /** By how many replicas there are more, or less, through what was done since. */
  changedAfter(time: number): number {
    return this.#changes.reduce((sum, { at, replicas }) => (at > time ? sum + replicas : sum), 0);
  }
}

function recent(entries: readonly Dated[], now: number): Dated[] {
  return entries.filter(({ at }) => at >= now - KEPT_MS).slice(-KEPT_MAX);
}

/** The longest window and period that the API allows. */
const KEPT_MS = 3_600_000;
/** One for each second of it; at the default period there are 240. */
const KEPT_MAX = 3_600;
