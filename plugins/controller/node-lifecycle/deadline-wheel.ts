import type { Clock } from 'kernetes/sdk';

export interface DeadlineWheelOptions<T> {
  readonly clock: Clock;
  /** Deadlines are rounded up to a multiple of this. */
  readonly slotMs: number;
  readonly onDue: (item: T) => void;
}

/**
 * Deadlines of thousands of things with one timer. A deadline that moves is not moved here: whoever
 * added the item looks at it when it is due, and adds it again if it has got more time. So a
 * heartbeat costs nothing in the wheel, and an item is looked at once in its period of grace rather
 * than at each round of a scan. A heap was dropped: each heartbeat would cost it a logarithm.
 */
export class DeadlineWheel<T> {
  readonly #options: DeadlineWheelOptions<T>;
  readonly #slots = new Map<number, T[]>();
  /** The slot that the timer waits for. */
  #next = Number.POSITIVE_INFINITY;
  #timer: { cancel(): void } | undefined;

  constructor(options: DeadlineWheelOptions<T>) {
    this.#options = options;
  }

  /** `at` is of the clock's monotonic time. */
  add(item: T, at: number): void {
    const slot = Math.ceil(at / this.#options.slotMs);
    const items = this.#slots.get(slot);
    if (items) items.push(item);
    else this.#slots.set(slot, [item]);
    if (slot < this.#next) this.#wait(slot);
  }

  #wait(slot: number): void {
    const { clock, slotMs } = this.#options;
    this.#timer?.cancel();
    this.#next = slot;
    const ms = Math.max(0, slot * slotMs - clock.monotonic());
    this.#timer = clock.setTimeout(() => this.#turn(), ms);
  }

  #turn(): void {
    const due = this.#slots.get(this.#next) ?? [];
    this.#slots.delete(this.#next);
    this.#next = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    for (const item of due) this.#options.onDue(item);
    // As many as fit in the period of grace: a dozen.
    const first = Math.min(...this.#slots.keys());
    if (first < this.#next) this.#wait(first);
  }
}
