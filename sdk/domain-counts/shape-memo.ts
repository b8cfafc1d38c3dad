import type { PodInfo } from '../scheduler-info.ts';

/** What was worked out per shape of pods; of many shapes, those that came last. */
export class ShapeMemo<T> {
  readonly #known = new Map<string, T>();
  readonly #max: number;

  constructor(max = SHAPES_MAX) {
    this.#max = max;
  }

  get({ shape }: PodInfo): T | undefined {
    return this.#known.get(shape);
  }

  set({ shape }: PodInfo, value: T): void {
    this.#known.delete(shape);
    this.#known.set(shape, value);
    if (this.#known.size <= this.#max) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  clear(): void {
    this.#known.clear();
  }
}

/** Pods that wait are mostly of few shapes, but stateful sets' are all unlike; some 1 kB each. */
const SHAPES_MAX = 8_192;
