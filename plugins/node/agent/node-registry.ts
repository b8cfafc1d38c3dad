import { isDeepStrictEqual } from 'node:util';
import {
  createRequest,
  type Disposer,
  type Informer,
  Node,
  type ObjectRequest,
  type PluginContext,
  patchRequest,
  type Runtime,
} from 'kernetes/sdk';
import { AddressPool, formatCidr, parseCidr, SubnetPool } from './address-pool.ts';
import type { AgentConfig } from './config.ts';
import { AGENT_LABEL, type NodeParts, newNode, nodeStatus } from './node-object.ts';

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
  /** What was given to a name stays its, so that a node made again collides with none of its pods. */
  readonly #known = new Map<string, ServedNode>();
  /** The same by their addresses. */
  readonly #knownAt = new Map<string, ServedNode>();
  readonly #served = new Map<string, ServedNode>();
  /** Names of nodes to be created, with their place among the configured ones. */
  readonly #missing = new Map<string, number>();
  #ensuring = false;

  /** Throws when the ranges cannot hold the nodes. */
  constructor(ctx: PluginContext<AgentConfig>, runtime: Pick<Runtime, 'name' | 'version'>) {
    const { nodes, podCidr, nodeCidr, nodeCidrMaskSize } = ctx.config;
    this.#ctx = ctx;
    this.#runtimeVersion = `${runtime.name}://${runtime.version}`;
    this.#subnets = new SubnetPool(parseCidr(podCidr), nodeCidrMaskSize);
    this.#hosts = new AddressPool(parseCidr(nodeCidr));
    if (nodes > this.#subnets.size) {
      throw new Error(
        `Cannot give ${nodes} nodes a /${nodeCidrMaskSize} of "${podCidr}": it has ` +
          `${this.#subnets.size}; widen podCidr or raise nodeCidrMaskSize`,
      );
    }
    this.#nodes = ctx.informer(Node, { fields: ['spec.podCIDR', 'status'] });
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
    return [...this.#served.keys()];
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
      const node = this.#known.get(name) ?? this.#allocate(name);
      const index = this.#missing.get(name) ?? 0;
      return node ? [newNode({ ...node, index }, this.#parts())] : [];
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
      deleted: ({ metadata: { name = '' } }) => void this.#served.delete(name),
    });
  }

  /** Returns the node when it is to be served from now on. */
  #serve(node: Node): ServedNode | undefined {
    const { name = '' } = node.metadata;
    if (!this.#isOwn(node)) {
      this.#served.delete(name);
      return undefined;
    }
    if (this.#served.has(name)) return undefined;
    const served = this.#known.get(name) ?? this.#adopt(node) ?? this.#allocate(name);
    if (!served) {
      this.#ctx.log.error('Node not served: no address left', { node: name });
      return undefined;
    }
    this.#served.set(name, served);
    void this.#repair(node, served);
    return served;
  }

  async #repair(node: Node, served: ServedNode): Promise<void> {
    try {
      for (const result of await this.#ctx.objects.batch(this.#repairs(node, served))) {
        if (!result.ok) throw result.error;
      }
    } catch (error) {
      this.#ctx.log.warn('Node not updated', { node: served.name, error });
    }
  }

  /** What brings an existing node to what it should be; nothing when it is so. */
  #repairs(node: Node, served: ServedNode): ObjectRequest[] {
    const key = { name: served.name };
    const requests: ObjectRequest[] = [];
    if (!node.spec?.podCIDR) {
      const spec = { podCIDR: served.podCidr, podCIDRs: [served.podCidr] };
      requests.push(patchRequest(Node, key, { spec }));
    }
    const { conditions, nodeInfo, ...wanted } = nodeStatus(served, this.#parts());
    const { machineID, systemUUID, bootID, ...software } = nodeInfo ?? {};
    const same = contains(node.status, { ...wanted, nodeInfo: software });
    if (!same || !node.status?.conditions?.length) {
      const ids = node.status?.nodeInfo?.machineID ? {} : { machineID, systemUUID, bootID };
      const status = { ...wanted, conditions, nodeInfo: { ...software, ...ids } };
      requests.push(patchRequest(Node, key, { status }, STATUS_PATCH));
    }
    return requests;
  }

  /** Others' ranges and addresses are not given to our nodes. */
  #reserve(node: Node): void {
    if (node.spec?.podCIDR?.includes('.')) this.#subnets.reserve(parseCidr(node.spec.podCIDR));
    const ip = internalIp(node);
    if (ip) this.#hosts.reserve(ip);
  }

  #adopt(node: Node): ServedNode | undefined {
    const { name = '' } = node.metadata;
    const podCidr = node.spec?.podCIDR;
    const ip = internalIp(node);
    if (!podCidr?.includes('.') || !ip) return undefined;
    return this.#remember({ name, ip, podCidr });
  }

  #allocate(name: string): ServedNode | undefined {
    const subnet = this.#subnets.take();
    const ip = this.#hosts.take();
    return subnet && ip ? this.#remember({ name, ip, podCidr: formatCidr(subnet) }) : undefined;
  }

  #remember(node: Omit<ServedNode, 'addresses'>): ServedNode {
    const served = { ...node, addresses: new AddressPool(parseCidr(node.podCidr)) };
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

/** Conditions and addresses of others stay beside ours. */
const STATUS_PATCH = {
  subresource: 'status',
  type: 'application/strategic-merge-patch+json',
} as const;

/** As many as travel in one message. */
const CREATE_BATCH = 500;

/** Whether all of `wanted` stands in `object` too; what else is there is somebody else's. */
function contains(object: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) {
    return isDeepStrictEqual(object, wanted);
  }
  if (typeof object !== 'object' || object === null) return false;
  const fields = object as Record<string, unknown>;
  return Object.entries(wanted).every(([field, value]) => contains(fields[field], value));
}

function internalIp(node: Node): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}
