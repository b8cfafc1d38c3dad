import type { Clock } from 'kernetes/sdk';

/**
 * How soon failed pods of a node are replaced: at once for the first time, then later and later, so
 * that a node which refuses a set's pods is not fought over.
 */
export class FailedPods {
  readonly #clock: Clock;
  /** Key of the set -> node -> when and how long. */
  readonly #sets = new Map<string, Map<string, Backoff>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * How long a failed pod must be left there; 0: it may go now, and the next one waits longer.
   * Another `generation` of the set begins anew.
   */
  delayMs(set: string, node: string, generation: number): number {
    const nodes = this.#nodes(set);
    const now = this.#clock.monotonic();
    const last = nodes.get(node);
    const isCurrent = last?.generation === generation && now - last.since <= 2 * MAX_MS;
    if (isCurrent && now - last.since < last.ms) return last.since + last.ms - now;
    const ms = isCurrent ? Math.min(2 * last.ms, MAX_MS) : FIRST_MS;
    nodes.set(node, { generation, since: now, ms });
    return 0;
  }

  /** Drops what counts no more, of nodes that may be gone. */
  prune(set: string): void {
    const nodes = this.#sets.get(set);
    if (!nodes) return;
    const now = this.#clock.monotonic();
    for (const [node, { since }] of nodes) if (now - since > 2 * MAX_MS) nodes.delete(node);
    if (nodes.size === 0) this.#sets.delete(set);
  }

  forget(set: string): void {
    this.#sets.delete(set);
  }

  #nodes(set: string): Map<string, Backoff> {
    let nodes = this.#sets.get(set);
    if (!nodes) {
      nodes = new Map();
      this.#sets.set(set, nodes);
    }
    return nodes;
  }
}

interface Backoff {
  readonly generation: number;
  readonly since: number;
  readonly ms: number;
}

/** Upstream's. */
const FIRST_MS = 1_000;
const MAX_MS = 900_000;
