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
  readonly #selections = new Map<string, Selected>();

  constructor(cel: Cel) {
    this.#cel = cel;
  }

  /** Throws `CelCompileError`. */
  get(expression: string): Selector {
    return recent(this.#entries, expression, () => {
      return new Selector(compileDeviceSelector(this.#cel, expression));
    });
  }

  /** What these expressions together selected before. */
  selected(expressions: readonly string[]): Selected {
    return recent(this.#selections, JSON.stringify(expressions), () => new WeakMap());
  }
}

/** Of a list of devices those that are selected. */
export type Selected = WeakMap<readonly PoolDevice[], readonly PoolDevice[]>;

function recent<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > SELECTORS_MAX) {
    const [oldest] = map.keys();
    map.delete(oldest ?? '');
  }
  return value;
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
