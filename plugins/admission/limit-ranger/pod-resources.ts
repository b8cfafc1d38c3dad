import {
  addQuantities,
  type Container,
  compareQuantities,
  formatQuantity,
  type ParsedQuantity,
  type Pod,
  parseQuantity,
  type StringMap,
} from 'kernetes/sdk';

/** What a pod asks for as a whole, by resource. */
export function podRequests(pod: Pod): StringMap {
  return total(pod, ({ resources }) => resources?.requests);
}

export function podLimits(pod: Pod): StringMap {
  return total(pod, ({ resources }) => resources?.limits);
}

type Sums = Map<string, ParsedQuantity>;

/**
 * The containers together, or what any moment of their start needs if that is more: an init
 * container beside the sidecars that were started before it. Sidecars run with the containers too.
 */
function total(
  { spec }: Pod,
  of: (container: Container) => Readonly<StringMap> | undefined,
): StringMap {
  const sum: Sums = new Map();
  for (const container of spec?.containers ?? []) add(sum, of(container));
  const sidecars: Sums = new Map();
  const start: Sums = new Map();
  for (const container of spec?.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always';
    if (isSidecar) add(sum, of(container));
    const moment: Sums = isSidecar ? sidecars : new Map(sidecars);
    add(moment, of(container));
    raise(start, moment);
  }
  raise(sum, start);
  return Object.fromEntries([...sum].map(([name, value]) => [name, formatQuantity(value)]));
}

function add(sums: Sums, quantities: Readonly<StringMap> = {}): void {
  for (const [name, text] of Object.entries(quantities)) {
    const before = sums.get(name);
    const value = parseQuantity(text);
    sums.set(name, before ? addQuantities(before, value) : value);
  }
}

function raise(sums: Sums, to: Sums): void {
  for (const [name, value] of to) {
    const before = sums.get(name);
    if (before === undefined || compareQuantities(before, value) < 0) sums.set(name, value);
  }
}
