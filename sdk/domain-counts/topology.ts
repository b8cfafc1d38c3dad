import type { NodeInfo } from '../scheduler-info.ts';

/** What divides nodes into domains: mostly a label. */
export interface TopologyKey {
  /** Equal names are equal keys. */
  readonly name: string;
  /** Nodes of one value are one domain; undefined: the node is in none. */
  valueOf(node: NodeInfo): string | undefined;
}

/** The domains that a label makes. */
export function labelKey(name: string): TopologyKey {
  return { name, valueOf: node => labelOf(node, name) };
}

function labelOf(node: NodeInfo, name: string): string | undefined {
  const value: unknown = node.labels[name];
  // Not `undefined`: a key such as `constructor` is found on every object's prototype.
  return typeof value === 'string' ? value : undefined;
}

/**
 * Numbers the domains that nodes form by one key, so that what is counted per domain is a typed
 * array, and what is asked about a node is two reads. Domain 0 is that of nodes which are in none.
 */
export class Topology {
  readonly key: TopologyKey;
  /** By node index. Replaced when it grows: take it from here for each question. */
  domainOf = new Int32Array(NODES_MIN);
  readonly #ids = new Map<string, number>();
  readonly #values: (string | undefined)[] = [undefined];
  /** By domain: how many nodes are in it. */
  readonly #nodes: number[] = [0];
  readonly #free: number[] = [];

  constructor(key: TopologyKey) {
    this.key = key;
  }

  /** How many domains there are. */
  get size(): number {
    return this.#ids.size;
  }

  /** One more than the largest domain's number. */
  get end(): number {
    return this.#values.length;
  }

  /** How many nodes are in none. */
  get outside(): number {
    return this.#nodes[0] as number;
  }

  /** The domain that has this value; undefined: none. */
  find(value: string): number | undefined {
    return this.#ids.get(value);
  }

  /** Puts a node, that is nowhere yet, where it belongs. */
  place(node: NodeInfo): void {
    const { index } = node;
    if (index >= this.domainOf.length) this.domainOf = enlarged(this.domainOf, index + 1);
    const value = this.key.valueOf(node);
    const domain = value === undefined ? 0 : this.#domain(value);
    this.domainOf[index] = domain;
    this.#nodes[domain] = (this.#nodes[domain] as number) + 1;
  }

  /** Takes it away again. Its domain's number is free for others when it was the last. */
  remove({ index }: NodeInfo): void {
    const domain = this.domainOf[index] as number;
    const left = (this.#nodes[domain] as number) - 1;
    this.#nodes[domain] = left;
    this.domainOf[index] = 0;
    if (left > 0 || domain === 0) return;
    this.#ids.delete(this.#values[domain] as string);
    this.#free.push(domain);
  }

  #domain(value: string): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const domain = this.#free.pop() ?? this.#values.length;
    this.#values[domain] = value;
    this.#nodes[domain] = 0;
    this.#ids.set(value, domain);
    return domain;
  }
}

/** At least as long as asked for, and much longer than before: growing is seldom. */
export function enlarged(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}

export const NODES_MIN = 16;
