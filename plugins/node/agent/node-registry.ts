import {
  createRequest,
  type Disposer,
  formatCidr,
  type Informer,
  Node,
  type PluginContext,
  podCidrsOf,
  type Runtime,
} from 'kernetes/sdk';
import { AddressPool, ipv4Range, SubnetPool } from './address-pool.ts';
import type { AgentConfig } from './config.ts';
import { AGENT_LABEL, type NodeParts, newNode } from './node-object.ts';
import { nodeRepairs } from './node-repairs.ts';

/** A node that this agent serves. */
export interface ServedNode {
  readonly name: string;
  readonly ip: string;
  readonly podCidr: string;
  /** For its pods. */
  readonly addresses: AddressPool;
}

/**
 * The nodes of the agent: those that carry its label, which are the ones that it made, in this life
 * or an earlier one. It makes as many as configured, changes only what differs, and leaves all
 * others alone. A node deleted from the API is not served any more and comes back with the next
 * start, as a kubelet's.
 */
export class NodeRegistry {
  readonly #ctx: PluginContext<AgentConfig>;
  readonly #runtimeVersion: string;
  readonly #nodes: Informer<Node>;
  readonly #subnets: SubnetPool;
  readonly #hosts: AddressPool;
  readonly #known = new Map<string, ServedNode>();
  /** The same by their addresses. */
  readonly #knownAt = new Map<string, ServedNode>();
  /**
   * By name, what the agent gave. It stays its, so that a node made again collides with none of its
   * pods.
   */
  readonly #ips = new Map<string, string>();
  readonly #ranges = new Map<string, string>();
  /** Names of the agent's nodes, also of those that wait for a range and are not served yet. */
  readonly #own = new Set<string>();
  readonly #served = new Map<string, ServedNode>();
  /** Names of nodes to be created, with their place among the configured ones. */
  readonly #missing = new Map<string, number>();
  #ensuring = false;

  /** Throws when the ranges cannot hold the nodes. */
  constructor(ctx: PluginContext<AgentConfig>, runtime: Pick<Runtime, 'name' | 'version'>) {
    const { nodes, podCidr, nodeCidr, nodeCidrMaskSize } = ctx.config;
    this.#ctx = ctx;
    this.#runtimeVersion = `${runtime.name}://${runtime.version}`;
    this.#subnets = new SubnetPool(ipv4Range(podCidr), nodeCidrMaskSize);
    this.#hosts = new AddressPool(ipv4Range(nodeCidr));
    if (nodes > this.#subnets.size) {
      throw new Error(
        `Cannot give ${nodes} nodes a /${nodeCidrMaskSize} of "${podCidr}": it has ` +
          `${this.#subnets.size}; widen podCidr or raise nodeCidrMaskSize`,
      );
    }
    this.#nodes = ctx.informer(Node, { fields: ['spec.podCIDR', 'spec.podCIDRs', 'status'] });
  }

  /** Resolves when the first nodes have been asked for; the rest follows. */
  async start(onServed: (node: ServedNode) => void): Promise<void> {
    await this.#nodes.synced;
    for (const node of this.#nodes.list()) this.#reserve(node);
    this.#findMissing();
    this.#ctx.onDispose(this.#listen(onServed));
    await this.ensure();
    // An activation has a deadline that thousands of nodes may not meet.
    void this.#ensureRest();
  }

  get(name: string): ServedNode | undefined {
    return this.#served.get(name);
  }

  /** Whose address it is, served or not any more. */
  at(ip: string): ServedNode | undefined {
    return this.#knownAt.get(ip);
  }

  /** The API's object of a served node. */
  object(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  names(): string[] {
    return [...this.#own];
  }

  /**
   * Creates a batch of the configured nodes that were not there at the start; called again and
   * again until each is. Rejects when the kernel cannot be reached.
   */
  async ensure(): Promise<void> {
    if (this.#missing.size === 0 || this.#ensuring) return;
    this.#ensuring = true;
    try {
      await this.#create([...this.#missing.keys()].slice(0, CREATE_BATCH));
    } finally {
      this.#ensuring = false;
    }
  }

  /** Goes on as long as it gets somewhere; the heartbeat sees to the rest. */
  async #ensureRest(): Promise<void> {
    try {
      for (let before = 0; before !== this.#missing.size; ) {
        before = this.#missing.size;
        await this.ensure();
      }
    } catch (error) {
      this.#ctx.log.warn('Nodes not registered', { count: this.#missing.size, error });
    }
  }

  async #create(names: readonly string[]): Promise<void> {
    const nodes = names.flatMap(name => {
      const ip = this.#ipOf(name);
      const podCidr = this.#rangeFor(name);
      const index = this.#missing.get(name) ?? 0;
      const isPossible = ip && (podCidr || !this.#allocates);
      const identity = { name, index, ip: ip ?? '', ...(podCidr && { podCidr }) };
      return isPossible ? [newNode(identity, this.#parts())] : [];
    });
    const requests = nodes.map(node => createRequest(Node, node));
    for (const [i, result] of (await this.#ctx.objects.batch(requests)).entries()) {
      const name = nodes[i]?.metadata.name ?? '';
      const index = this.#missing.get(name) ?? 0;
      this.#missing.delete(name);
      if (result.ok || result.error.reason === 'AlreadyExists') continue;
      // To the end, so that it does not keep others from their turn.
      this.#missing.set(name, index);
      this.#ctx.log.warn('Node not registered', { node: name, error: result.error });
    }
  }

  #findMissing(): void {
    const { nodes, namePrefix } = this.#ctx.config;
    for (let index = 0; index < nodes; index++) {
      const name = `${namePrefix}-${index + 1}`;
      const existing = this.#nodes.get(name);
      if (!existing) this.#missing.set(name, index);
      else if (!this.#isOwn(existing)) {
        this.#ctx.log.warn("Node not served: it is not this agent's", { node: name });
      }
    }
  }

  #listen(onServed: (node: ServedNode) => void): Disposer {
    const serve = (node: Node) => {
      const served = this.#serve(node);
      if (served) onServed(served);
    };
    return this.#nodes.on({
      added: serve,
      updated: serve,
      deleted: ({ metadata: { name = '' } }) => this.#leave(name),
    });
  }

  /** Returns the node when it is to be served from now on. */
  #serve(node: Node): ServedNode | undefined {
    const { name = '' } = node.metadata;
    if (!this.#isOwn(node)) {
      this.#leave(name);
      return undefined;
    }
    this.#own.add(name);
    if (this.#served.has(name)) return undefined;
    const podCidr = rangeOf(node) ?? this.#rangeFor(name);
    // It comes with a later change, from whoever assigns ranges in this cluster.
    if (!podCidr && !this.#allocates) return undefined;
    const ip = internalIp(node) ?? this.#ipOf(name);
    if (!podCidr || !ip) {
      this.#ctx.log.error('Node not served: no address left', { node: name });
      return undefined;
    }
    const served = this.#remember({ name, ip, podCidr });
    this.#served.set(name, served);
    void this.#repair(node, served);
    return served;
  }

  #leave(name: string): void {
    this.#own.delete(name);
    this.#served.delete(name);
  }

  async #repair(node: Node, served: ServedNode): Promise<void> {
    try {
      const requests = nodeRepairs(node, { ...served, parts: this.#parts() });
      for (const result of await this.#ctx.objects.batch(requests)) {
        if (!result.ok) throw result.error;
      }
    } catch (error) {
      this.#ctx.log.warn('Node not updated', { node: served.name, error });
    }
  }

  /** Others' ranges and addresses are not given to our nodes. */
  #reserve(node: Node): void {
    const podCidr = rangeOf(node);
    if (podCidr) this.#subnets.reserve(ipv4Range(podCidr));
    const ip = internalIp(node);
    if (ip) this.#hosts.reserve(ip);
  }

  get #allocates(): boolean {
    return this.#ctx.config.allocateNodeCidrs;
  }

  /** A range for a node that has none; undefined: none is left, or it is not ours to give. */
  #rangeFor(name: string): string | undefined {
    if (!this.#allocates) return undefined;
    const known = this.#ranges.get(name);
    if (known) return known;
    const subnet = this.#subnets.take();
    if (!subnet) return undefined;
    this.#ranges.set(name, formatCidr(subnet));
    return formatCidr(subnet);
  }

  #ipOf(name: string): string | undefined {
    const ip = this.#ips.get(name) ?? this.#hosts.take();
    if (ip) this.#ips.set(name, ip);
    return ip;
  }

  /** A node that comes back with its range goes on with the addresses of its pods. */
  #remember(node: Omit<ServedNode, 'addresses'>): ServedNode {
    const known = this.#known.get(node.name);
    if (known?.podCidr === node.podCidr && known.ip === node.ip) return known;
    const served = { ...node, addresses: new AddressPool(ipv4Range(node.podCidr)) };
    this.#known.set(node.name, served);
    this.#knownAt.set(node.ip, served);
    return served;
  }

  #isOwn({ metadata }: Node): boolean {
    return metadata.labels?.[AGENT_LABEL] === this.#ctx.name;
  }

  #parts(): NodeParts {
    const { config, name, random, clock } = this.#ctx;
    return {
      config,
      agent: name,
      runtimeVersion: this.#runtimeVersion,
      random,
      nowMs: clock.now(),
    };
  }
}

/** As many as travel in one message. */
const CREATE_BATCH = 500;

/** The agent's pods have addresses of IPv4. */
function rangeOf({ spec }: Node): string | undefined {
  return podCidrsOf(spec).find(range => range.includes('.'));
}

function internalIp(node: Node): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}
