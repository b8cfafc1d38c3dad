import type { ClusterTracker, PodInfo } from 'kernetes/sdk';

/** Which priorities the pods on nodes have: whether there is any pod that matters less. */
export class Priorities implements ClusterTracker {
  readonly #counts = new Map<number, number>();
  #lowest = Number.POSITIVE_INFINITY;

  /** To be told of everything anew. */
  cleared(): this {
    this.#counts.clear();
    this.#lowest = Number.POSITIVE_INFINITY;
    return this;
  }

  podAdded({ priority }: PodInfo): void {
    this.#counts.set(priority, (this.#counts.get(priority) ?? 0) + 1);
    if (priority < this.#lowest) this.#lowest = priority;
  }

  podRemoved({ priority }: PodInfo): void {
    const left = (this.#counts.get(priority) ?? 0) - 1;
    if (left > 0) {
      this.#counts.set(priority, left);
      return;
    }
    this.#counts.delete(priority);
    if (priority === this.#lowest) this.#lowest = Math.min(...this.#counts.keys());
  }

  /** Infinity: there are no pods. */
  get lowest(): number {
    return this.#lowest;
  }
}
