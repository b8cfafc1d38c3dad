import {
  type Cel,
  type CelProgram,
  compileDeviceSelector,
  DEVICE_SELECTOR_COST_MAX,
} from 'kernetes/sdk';
import { SELECTORS_MAX } from './limits.ts';
import type { PoolDevice } from './pools.ts';

/**
 * Compiled selectors, and what each says of a device: neither changes, so a device is asked about
 * once however many pods come. The least recently used goes first.
 */
export class SelectorCache {
  readonly #cel: Cel;
  readonly #entries = new Map<string, Selector>();

  constructor(cel: Cel) {
    this.#cel = cel;
  }

  /** Throws `CelCompileError`. */
  get(expression: string): Selector {
    const known = this.#entries.get(expression);
    const selector = known ?? new Selector(compileDeviceSelector(this.#cel, expression));
    this.#entries.delete(expression);
    this.#entries.set(expression, selector);
    if (this.#entries.size > SELECTORS_MAX) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest ?? '');
    }
    return selector;
  }
}

export class Selector {
  readonly #program: CelProgram;
  readonly #results = new WeakMap<PoolDevice, boolean>();

  constructor(program: CelProgram) {
    this.#program = program;
  }

  /** Throws `CelEvaluationError`. */
  matches(device: PoolDevice): boolean {
    const known = this.#results.get(device);
    if (known !== undefined) return known;
    const budget = { limit: DEVICE_SELECTOR_COST_MAX, spent: 0 };
    const value = this.#program.evaluate({ device: device.selectable }, budget);
    if (typeof value !== 'boolean') throw new Error('CEL result is no bool');
    this.#results.set(device, value);
    return value;
  }
}
