/**
 * How long kubelets may keep Secrets and ConfigMaps in a cluster of so many nodes, by upstream's
 * table. Its steps overlap, so that a node more or less does not change it to and fro.
 */
export class ClusterSize {
  #nodes = 0;
  #step = 0;

  get ttlSeconds(): number {
    return stepAt(this.#step).ttlSeconds;
  }

  /** True: the time is another. */
  add(nodes: number): boolean {
    this.#nodes += nodes;
    const before = this.#step;
    while (this.#nodes > stepAt(this.#step).max) this.#step++;
    while (this.#nodes < stepAt(this.#step).min) this.#step--;
    return this.#step !== before;
  }
}

interface Step {
  readonly min: number;
  readonly max: number;
  readonly ttlSeconds: number;
}

const LAST: Step = { min: 1_800, max: Number.POSITIVE_INFINITY, ttlSeconds: 300 };
const STEPS: readonly Step[] = [
  { min: 0, max: 100, ttlSeconds: 0 },
  { min: 90, max: 500, ttlSeconds: 15 },
  { min: 450, max: 1_000, ttlSeconds: 30 },
  { min: 900, max: 2_000, ttlSeconds: 60 },
  LAST,
];

function stepAt(step: number): Step {
  return STEPS[step] ?? LAST;
}
