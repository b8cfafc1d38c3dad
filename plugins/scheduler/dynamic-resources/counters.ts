import {
  addQuantities,
  compareQuantities,
  type DeviceCounterConsumption,
  type ParsedQuantity,
  parseQuantity,
  subtractQuantities,
} from 'kernetes/sdk';
import type { Pool, PoolDevice } from './pools.ts';

/**
 * What is left of what the devices of a pool share: partitions of one card, for example. A device
 * that consumes more than there is cannot be had.
 */
export class Counters {
  readonly #left = new Map<string, ParsedQuantity>();
  readonly #poolName: string;

  /** `isTaken`: by id. */
  constructor({ key, slices }: Pool, isTaken: (id: string) => boolean) {
    this.#poolName = key;
    for (const { spec } of slices) {
      for (const { name, counters } of spec.sharedCounters ?? []) {
        for (const [counter, { value }] of Object.entries(counters)) {
          this.#left.set(`${name}/${counter}`, parseQuantity(value));
        }
      }
    }
    for (const { spec } of slices) {
      for (const { name, consumesCounters = [] } of spec.devices ?? []) {
        if (consumesCounters.length > 0 && isTaken(`${this.#poolName}/${name}`)) {
          this.#change(consumesCounters, subtractQuantities);
        }
      }
    }
  }

  take({ device }: PoolDevice): boolean {
    const consumed = device.consumesCounters ?? [];
    if (!this.#suffices(consumed)) return false;
    this.#change(consumed, subtractQuantities);
    return true;
  }

  giveBack({ device }: PoolDevice): void {
    this.#change(device.consumesCounters ?? [], addQuantities);
  }

  #suffices(consumed: readonly DeviceCounterConsumption[]): boolean {
    return entriesOf(consumed).every(([key, value]) => {
      const left = this.#left.get(key);
      return left !== undefined && compareQuantities(left, value) >= 0;
    });
  }

  #change(
    consumed: readonly DeviceCounterConsumption[],
    change: (a: ParsedQuantity, b: ParsedQuantity) => ParsedQuantity,
  ): void {
    for (const [key, value] of entriesOf(consumed)) {
      const left = this.#left.get(key);
      if (left) this.#left.set(key, change(left, value));
    }
  }
}

function entriesOf(consumed: readonly DeviceCounterConsumption[]): [string, ParsedQuantity][] {
  return consumed.flatMap(({ counterSet, counters }) =>
    Object.entries(counters).map(([name, { value }]): [string, ParsedQuantity] => [
      `${counterSet}/${name}`,
      parseQuantity(value),
    ]),
  );
}
