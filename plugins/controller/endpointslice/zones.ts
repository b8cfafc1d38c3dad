import { type Informer, type Node, quantityMilliValue } from 'kernetes/sdk';

/** Which part of the cluster's processors each zone has, by name. */
export type Shares = ReadonlyMap<string, number>;

/** The shares of the zones, worked out once for all who ask until a node changes. */
export class Zones {
  readonly #nodes: Pick<Informer<Node>, 'list'>;
  #known: { readonly shares: Shares | undefined } | undefined;

  constructor(nodes: Pick<Informer<Node>, 'list'>) {
    this.#nodes = nodes;
  }

  /** Undefined: too little is known of the nodes, or there is one zone. */
  shares(): Shares | undefined {
    this.#known ??= { shares: sharesOf(this.#nodes.list()) };
    return this.#known.shares;
  }

  forget(): void {
    this.#known = undefined;
  }
}

/** What of a node counts here; two that give the same are the same. */
export function contribution(node: Node): string {
  const { milliCpu, zone } = sizeOf(node);
  return `${isCounted(node)} ${milliCpu} ${zone}`;
}

export function zoneOf({ metadata }: Node): string | undefined {
  return metadata.labels?.['topology.kubernetes.io/zone'];
}

function sharesOf(nodes: readonly Node[]): Shares | undefined {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const node of nodes.filter(isCounted)) {
    const { milliCpu, zone } = sizeOf(node);
    if (!zone || milliCpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + milliCpu);
    total += milliCpu;
  }
  if (byZone.size < 2) return undefined;
  // In one order, so that the same nodes give the same hints.
  const zones = [...byZone].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(zones.map(([zone, milliCpu]) => [zone, milliCpu / total]));
}

function sizeOf(node: Node): { readonly milliCpu: number; readonly zone: string | undefined } {
  const cpu = node.status?.allocatable?.cpu;
  return { milliCpu: cpu ? quantityMilliValue(cpu) : 0, zone: zoneOf(node) };
}

function isCounted(node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (EXCLUDING.some(label => label in labels)) return false;
  return (
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ??
    false
  );
}

const EXCLUDING = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
