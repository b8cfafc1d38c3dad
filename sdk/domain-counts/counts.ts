import type { NodeInfo } from '../scheduler-info.ts';
import { enlarged, NODES_MIN, type Topology } from './topology.ts';

/** Which nodes count. Equal names are equal criteria. Looks at labels and taints only. */
export interface NodeCriteria {
  readonly name: string;
  holds(node: NodeInfo): boolean;
}

/**
 * Pods of some sort on each node, and from these in each domain. One pod more or less is an
 * addition per array; nothing is ever summed up again.
 */
export class NodeCounts {
  /** By node index. Replaced when it grows. */
  perNode = new Int32Array(NODES_MIN);
  /** On nodes, whether or not they are in a domain. */
  total = 0;
  readonly #domains: DomainCounts[] = [];

  get domains(): readonly DomainCounts[] {
    return this.#domains;
  }

  add(node: number, by: number): void {
    if (node >= this.perNode.length) this.perNode = enlarged(this.perNode, node + 1);
    this.perNode[node] = (this.perNode[node] as number) + by;
    this.total += by;
    const domains = this.#domains;
    for (let i = 0; i < domains.length; i++) (domains[i] as DomainCounts).add(node, by);
  }

  on(node: number): number {
    return node < this.perNode.length ? (this.perNode[node] as number) : 0;
  }

  /** Counts per domain as well, from now on. */
  attach(domains: DomainCounts, nodes: Iterable<NodeInfo>): void {
    for (const node of nodes) domains.join(node, this.on(node.index));
    this.#domains.push(domains);
  }

  detach(domains: DomainCounts): void {
    const at = this.#domains.indexOf(domains);
    if (at >= 0) this.#domains.splice(at, 1);
  }
}

/**
 * Pods of some sort in each domain of a topology, over those nodes that count. Knows the smallest
 * count over all domains without looking for it: it keeps how many domains have each count.
 */
export class DomainCounts {
  readonly topology: Topology;
  readonly criteria: NodeCriteria | undefined;
  /** By domain; that of domain 0 stays 0. Replaced when it grows. */
  counts = new Int32Array(NODES_MIN);
  /** The sum. */
  total = 0;
  /** How many domains have a node that counts. */
  size = 0;
  /** The smallest count among those; 0 if there are none. */
  minimum = 0;
  /** By domain: how many nodes count. */
  #nodes = new Int32Array(NODES_MIN);
  /** By node index: it counts. */
  #counted = new Uint8Array(NODES_MIN);
  /** By count: how many domains have it. */
  readonly #sizes: number[] = [];

  constructor(topology: Topology, criteria?: NodeCriteria) {
    this.topology = topology;
    this.criteria = criteria;
  }

  isCounted(node: number): boolean {
    return node < this.#counted.length && this.#counted[node] === 1;
  }

  /** How many domains have this count. */
  sizeAt(count: number): number {
    return this.#sizes[count] ?? 0;
  }

  add(node: number, by: number): void {
    if (!this.isCounted(node)) return;
    const domain = this.topology.domainOf[node] as number;
    const before = this.counts[domain] as number;
    this.counts[domain] = before + by;
    this.total += by;
    this.#remove(before);
    this.#insert(before + by);
  }

  /** A node came, or is as it is from now on, with so many pods. The topology knows it. */
  join(node: NodeInfo, pods: number): void {
    const { index } = node;
    const domain = this.topology.domainOf[index] as number;
    if (index >= this.#counted.length) {
      const larger = new Uint8Array(Math.max(index + 1, 2 * this.#counted.length));
      larger.set(this.#counted);
      this.#counted = larger;
    }
    // Also for what does not count: whoever asks about a node reads at its domain.
    if (domain >= this.counts.length) {
      this.counts = enlarged(this.counts, domain + 1);
      this.#nodes = enlarged(this.#nodes, domain + 1);
    }
    if (domain === 0 || this.criteria?.holds(node) === false) return;
    this.#counted[index] = 1;
    const nodes = this.#nodes[domain] as number;
    this.#nodes[domain] = nodes + 1;
    if (nodes === 0) {
      this.size++;
      this.#insert(0);
    }
    if (pods !== 0) this.add(index, pods);
  }

  /** The node went, or is no longer as it was. The topology still knows it. */
  leave({ index }: NodeInfo, pods: number): void {
    if (!this.isCounted(index)) return;
    if (pods !== 0) this.add(index, -pods);
    this.#counted[index] = 0;
    const domain = this.topology.domainOf[index] as number;
    const nodes = (this.#nodes[domain] as number) - 1;
    this.#nodes[domain] = nodes;
    if (nodes > 0) return;
    this.size--;
    this.#remove(this.counts[domain] as number);
    if (this.size === 0) this.minimum = 0;
    else this.#raise();
  }

  #insert(count: number): void {
    const sizes = this.#sizes;
    while (sizes.length <= count) sizes.push(0);
    sizes[count] = (sizes[count] as number) + 1;
    if (count < this.minimum) this.minimum = count;
    else this.#raise();
  }

  #remove(count: number): void {
    this.#sizes[count] = (this.#sizes[count] as number) - 1;
  }

  /** When the last domain at the minimum went up, by one mostly: the next is near. */
  #raise(): void {
    const sizes = this.#sizes;
    let { minimum } = this;
    while (minimum < sizes.length && sizes[minimum] === 0) minimum++;
    this.minimum = minimum < sizes.length ? minimum : 0;
  }
}
