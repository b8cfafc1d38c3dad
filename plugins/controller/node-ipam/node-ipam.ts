import {
  ApiError,
  type Cidr,
  formatCidr,
  type Logger,
  Node,
  type ObjectKey,
  parseCidr,
  podCidrsOf,
  type ReconcileContext,
} from 'kernetes/sdk';
import { CidrSet } from './cidr-set.ts';
import type { Config } from './config.ts';

export interface NodeIpamOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Has a node reconciled. */
  readonly enqueue: (name: string) => void;
}

/**
 * Which ranges are taken follows the copy of the nodes at once, not by the queue: none is given away
 * that a node has which was seen. What was given and is not seen yet is reserved for its node, also
 * when nobody knows whether the write was done.
 */
export class NodeIpam {
  readonly #sets: readonly CidrSet[];
  readonly #log: Logger;
  readonly #enqueue: (name: string) => void;
  /** As the nodes have them. */
  readonly #held = new Map<string, readonly Cidr[]>();
  readonly #reserved = new Map<string, readonly Cidr[]>();
  /** Settled: all ranges that were given before are known. Undefined: nobody asked. */
  #fresh: Promise<void> | undefined = Promise.resolve();
  /** Nodes for which there was nothing left. */
  readonly #waiting = new Set<string>();

  /** Throws for ranges that cannot be. */
  constructor({ config, log, enqueue }: NodeIpamOptions) {
    this.#log = log;
    this.#enqueue = enqueue;
    this.#sets = rangesOf(config.clusterCidr).map(range => {
      const { nodeCidrMaskSizeIPv4, nodeCidrMaskSizeIPv6 } = config;
      return new CidrSet(range, range.bits === 32 ? nodeCidrMaskSizeIPv4 : nodeCidrMaskSizeIPv6);
    });
    if (config.serviceCidr !== '') this.#occupy(rangesOf(config.serviceCidr));
  }

  seen(node: Node): void {
    const { name = '' } = node.metadata;
    const texts = podCidrsOf(node.spec);
    if (texts.length === 0) return;
    const held = this.#held.get(name);
    if (held && held.map(formatCidr).join() === texts.join()) {
      this.#release(this.#reserved, name);
      return;
    }
    const cidrs = texts.map(parseCidr).filter(cidr => cidr !== undefined);
    if (!this.#occupy(cidrs)) {
      this.#log.warn('Node has a range of none of ours', { node: name, podCIDRs: texts.join() });
    }
    this.#release(this.#held, name);
    this.#held.set(name, cidrs);
    this.#release(this.#reserved, name);
  }

  /**
   * Another led meanwhile, and may have given away what is not seen here yet: before anything is
   * given the server is asked. What was reserved and not written may be another's.
   */
  lead(): void {
    for (const name of [...this.#reserved.keys()]) this.#release(this.#reserved, name);
    this.#fresh = undefined;
  }

  gone({ metadata: { name = '' } }: Node): void {
    this.#waiting.delete(name);
    this.#release(this.#held, name);
    this.#release(this.#reserved, name);
  }

  async reconcile({ name }: ObjectKey, context: Context): Promise<void> {
    const { object: node, events } = context;
    if (!node || podCidrsOf(node.spec).length > 0) return;
    await this.#refresh(context);
    const cidrs = this.#reserved.get(name) ?? this.#take();
    if (!cidrs) {
      this.#waiting.add(name);
      events.event(node, 'Normal', 'CIDRNotAvailable', statusIs(name, 'CIDRNotAvailable'), SOURCE);
      return;
    }
    this.#reserved.set(name, cidrs);
    await assign(node, cidrs, context);
  }

  /** Once in each term, for all who wait for it; again when it failed. */
  #refresh({ objects }: Context): Promise<void> {
    const asked = async () => {
      const { items } = await objects.list(Node, {});
      for (const node of items) this.seen(node);
    };
    this.#fresh ??= asked().catch(error => {
      this.#fresh = undefined;
      throw error;
    });
    return this.#fresh;
  }

  /** One of each set, or nothing. */
  #take(): Cidr[] | undefined {
    const cidrs: Cidr[] = [];
    for (const set of this.#sets) {
      const cidr = set.take();
      if (cidr) cidrs.push(cidr);
    }
    if (cidrs.length === this.#sets.length) return cidrs;
    for (const cidr of cidrs) for (const set of this.#sets) set.release(cidr);
    return undefined;
  }

  /** False: one of them is of none of the sets. */
  #occupy(cidrs: readonly Cidr[]): boolean {
    return cidrs.map(cidr => this.#sets.map(set => set.occupy(cidr)).includes(true)).every(Boolean);
  }

  #release(from: Map<string, readonly Cidr[]>, name: string): void {
    const cidrs = from.get(name);
    if (!cidrs) return;
    from.delete(name);
    for (const cidr of cidrs) for (const set of this.#sets) set.release(cidr);
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#enqueue(next);
  }
}

type Context = ReconcileContext<Node, Config>;

function rangesOf(text: string): Cidr[] {
  return text.split(',').map(each => {
    const range = parseCidr(each.trim());
    if (range) return range;
    throw new Error(`Cannot read "${each}" as a range: want one like 10.244.0.0/16 or fd00::/48`);
  });
}

async function assign(node: Node, cidrs: readonly Cidr[], context: Context): Promise<void> {
  const { name = '', uid } = node.metadata;
  const podCIDRs = cidrs.map(formatCidr);
  // Others write to a new node too; a range that it has meanwhile, the server does not let go.
  const patch = { metadata: { uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } };
  try {
    await context.objects.patch(Node, { name }, patch);
  } catch (error) {
    if (!ApiError.is(error, 'Conflict') && !ApiError.is(error, 'NotFound')) {
      const message = statusIs(name, 'CIDRAssignmentFailed');
      context.events.event(node, 'Normal', 'CIDRAssignmentFailed', message, SOURCE);
    }
    throw error;
  }
}

function statusIs(name: string, status: string): string {
  return `Node ${name} status is now: ${status}`;
}

const SOURCE = { component: 'cidrAllocator' };
