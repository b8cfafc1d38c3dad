import type { Container, Pod } from '../api/types-core-v1.ts';
import type { StringMap } from '../kind.ts';
import {
  addQuantities,
  compareQuantities,
  type ParsedQuantity,
  parseQuantity,
} from '../quantity.ts';

/** Quantities by the name of their resource. */
export type ResourceSums = Map<string, ParsedQuantity>;

/**
 * What a pod's containers need of each resource: all together, or what any moment of their start
 * needs if that is more: an init container beside the sidecars that were started before it.
 * Sidecars run with the containers too.
 */
export function sumContainers(
  { spec }: Pick<Pod, 'spec'>,
  of: (container: Container) => Readonly<StringMap> | undefined,
): ResourceSums {
  const sum: ResourceSums = new Map();
  for (const container of spec?.containers ?? []) sumInto(sum, of(container));
  const sidecars: ResourceSums = new Map();
  const start: ResourceSums = new Map();
  for (const container of spec?.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always';
    if (isSidecar) sumInto(sum, of(container));
    const moment: ResourceSums = isSidecar ? sidecars : new Map(sidecars);
    sumInto(moment, of(container));
    raise(start, moment);
  }
  raise(sum, start);
  return sum;
}

export function sumInto(sums: ResourceSums, quantities: Readonly<StringMap> = {}): void {
  for (const [name, text] of Object.entries(quantities)) {
    const before = sums.get(name);
    const value = parseQuantity(text);
    sums.set(name, before ? addQuantities(before, value) : value);
  }
}

function raise(sums: ResourceSums, to: ResourceSums): void {
  for (const [name, value] of to) {
    const before = sums.get(name);
    if (before === undefined || compareQuantities(before, value) < 0) sums.set(name, value);
  }
}
