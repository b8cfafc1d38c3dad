import type { DeviceAttribute, DeviceConstraint } from 'kernetes/sdk';
import type { PoolDevice } from './pools.ts';

/**
 * What the devices of a claim must have in common, or must not. Once a device does not fit, no more
 * devices make it fit, so the search may stop there.
 */
export interface Constraint {
  /** Takes the device in, if it fits. `request`: `gpu`, or `gpu/large` of several choices. */
  add(device: PoolDevice, request: string): boolean;
  /** Undoes the last `add` that was true. */
  remove(device: PoolDevice, request: string): void;
}

export function constraintOf(constraint: DeviceConstraint): Constraint {
  const { requests = [], matchAttribute, distinctAttribute } = constraint;
  const concerns = requestMatcher(new Set(requests));
  if (matchAttribute !== undefined) return new SameValue(matchAttribute, concerns);
  return new DistinctValues(distinctAttribute ?? '', concerns);
}

type Concerns = (request: string) => boolean;

function requestMatcher(names: ReadonlySet<string>): Concerns {
  if (names.size === 0) return () => true;
  return request => names.has(request) || names.has(request.slice(0, request.indexOf('/')));
}

class SameValue implements Constraint {
  readonly #name: string;
  readonly #concerns: Concerns;
  #value = '';
  #count = 0;

  constructor(name: string, concerns: Concerns) {
    this.#name = name;
    this.#concerns = concerns;
  }

  add(device: PoolDevice, request: string): boolean {
    if (!this.#concerns(request)) return true;
    const value = attributeOf(device, this.#name);
    if (value === undefined || (this.#count > 0 && value !== this.#value)) return false;
    this.#value = value;
    this.#count++;
    return true;
  }

  remove(_device: PoolDevice, request: string): void {
    if (this.#concerns(request)) this.#count--;
  }
}

class DistinctValues implements Constraint {
  readonly #name: string;
  readonly #concerns: Concerns;
  readonly #values = new Set<string>();

  constructor(name: string, concerns: Concerns) {
    this.#name = name;
    this.#concerns = concerns;
  }

  add(device: PoolDevice, request: string): boolean {
    if (!this.#concerns(request)) return true;
    const value = attributeOf(device, this.#name);
    if (value === undefined || this.#values.has(value)) return false;
    this.#values.add(value);
    return true;
  }

  remove(device: PoolDevice, request: string): void {
    if (this.#concerns(request)) this.#values.delete(attributeOf(device, this.#name) ?? '');
  }
}

/** With its type, since 1 is not "1". An attribute without a domain is in that of the driver. */
function attributeOf({ device, driver }: PoolDevice, name: string): string | undefined {
  const slash = name.indexOf('/');
  const isOwn = name.slice(0, slash) === driver;
  const { attributes = {} } = device;
  const attribute = attributes[name] ?? (isOwn ? attributes[name.slice(slash + 1)] : undefined);
  return attribute && scalarOf(attribute);
}

function scalarOf({ string, int, bool, version }: DeviceAttribute): string | undefined {
  const value = JSON.stringify(string ?? int ?? bool);
  return version === undefined ? value : `v${version}`;
}
