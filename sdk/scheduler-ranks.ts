import type { QueuedPod } from './scheduler.ts';
import type { Consulted, QueueConsultation } from './scheduler-remote.ts';

/**
 * The order of a queue whose comparator is in another thread. All pods that wait stand here in
 * order; each has a rank, a number between those of its neighbours, that the scheduler sorts by.
 * A pod costs log n comparisons, the scheduler's heap none. When there is no number left between
 * two neighbours (after some fifty pods between the same two), all get new ones, at even distances.
 */
export class QueueRanks {
  readonly #compare: (a: QueuedPod, b: QueuedPod) => number;
  #order: Ranked[] = [];

  constructor(compare: (a: QueuedPod, b: QueuedPod) => number) {
    this.#compare = compare;
  }

  place({ reset, queued, gone }: QueueConsultation): Consulted {
    if (reset) this.#order = [];
    const leaving = new Set([...gone, ...queued.map(({ pod }) => pod.key)]);
    if (this.#order.length > 0) {
      this.#order = this.#order.filter(({ queued: { pod } }) => !leaving.has(pod.key));
    }
    const ranks = new Float64Array(queued.length);
    let isCrowded = false;
    for (let i = 0; i < queued.length; i++) {
      const rank = this.#insert(queued[i] as QueuedPod);
      if (rank === undefined) isCrowded = true;
      else ranks[i] = rank;
    }
    return isCrowded ? this.#renumbered() : { ranks };
  }

  /** Behind its equals. Undefined: there is no number between its neighbours. */
  #insert(queued: QueuedPod): number | undefined {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#order[middle] as Ranked;
      if (this.#compare(queued, other.queued) < 0) high = middle;
      else low = middle + 1;
    }
    const before = this.#order[low - 1]?.rank;
    const after = this.#order[low]?.rank;
    const rank = between(before, after);
    this.#order.splice(low, 0, { queued, rank });
    return rank === before || rank === after ? undefined : rank;
  }

  #renumbered(): Consulted {
    const order = this.#order;
    order.forEach((ranked, i) => {
      ranked.rank = i * DISTANCE;
    });
    return {
      keys: order.map(({ queued }) => queued.pod.key),
      ranks: Float64Array.from(order, ({ rank }) => rank),
    };
  }
}

interface Ranked {
  readonly queued: QueuedPod;
  rank: number;
}

const DISTANCE = 2 ** 20;

function between(before: number | undefined, after: number | undefined): number {
  if (before === undefined && after === undefined) return 0;
  if (before === undefined) return (after as number) - DISTANCE;
  if (after === undefined) return before + DISTANCE;
  return before + (after - before) / 2;
}
