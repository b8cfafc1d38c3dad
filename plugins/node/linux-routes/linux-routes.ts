import { isIP } from 'node:net';
import {
  formatCidr,
  type NewNodeRoute,
  type Node,
  type NodeAddress,
  type NodeRoute,
  parseCidr,
  podCidrsOf,
  type Routes,
} from 'kernetes/sdk';
import type { IpCommand } from './ip-command.ts';

export interface LinuxRoutesConfig {
  /** 254 is `main`. */
  readonly table: number;
  /** The mark by which our routes are known. */
  readonly protocol: number;
  /** The node that this machine is; empty: none. */
  readonly nodeName: string;
  readonly device: string;
}

export interface LinuxRoutesOptions {
  readonly config: LinuxRoutesConfig;
  readonly ip: IpCommand;
  /** All nodes, when they are known. */
  readonly nodes: () => Promise<readonly Node[]>;
}

/**
 * A Linux machine's routing table. Only routes with our protocol number in our table are seen and
 * touched. The machine's own range needs none: its pods are behind a bridge of its own.
 */
export class LinuxRoutes implements Routes {
  readonly #options: LinuxRoutesOptions;

  constructor(options: LinuxRoutesOptions) {
    this.#options = options;
  }

  async list(): Promise<NodeRoute[]> {
    const nodes = await this.#options.nodes();
    const nodeAt = new Map(
      nodes.flatMap(({ metadata: { name = '' }, status }) =>
        (status?.addresses ?? []).map(({ address }) => [address, name] as const),
      ),
    );
    const lines = [...(await this.#show('-4')), ...(await this.#show('-6'))];
    const routes = lines.map(({ type, dst, gateway }) => ({
      name: dst,
      targetNode: nodeAt.get(gateway ?? '') ?? '',
      destinationCidr: withPrefix(dst),
      ...(gateway && { gatewayAddress: gateway }),
      ...(type && type !== 'unicast' && { blackhole: true }),
    }));
    return [...routes, ...nodes.flatMap(node => this.#ownRoutes(node))];
  }

  async create(
    _clusterName: string,
    _nameHint: string,
    { targetNode, targetNodeAddresses, destinationCidr }: NewNodeRoute,
  ): Promise<void> {
    if (this.#isOwn(targetNode)) return;
    const destination = checked(destinationCidr);
    const via = gatewayOf(targetNodeAddresses, destination);
    if (via === undefined) {
      const known = targetNodeAddresses.map(({ address }) => address).join() || 'none';
      throw new Error(
        `Cannot route "${destination}" to node "${targetNode}": its addresses are ${known}, ` +
          'want an InternalIP of the same family',
      );
    }
    const { device } = this.#options.config;
    const dev = device === '' ? [] : ['dev', device];
    await this.#options.ip(['route', 'replace', destination, 'via', via, ...dev, ...this.#ours()]);
  }

  async delete(_clusterName: string, { destinationCidr, targetNode }: NodeRoute): Promise<void> {
    if (this.#isOwn(targetNode)) return;
    try {
      await this.#options.ip(['route', 'del', checked(destinationCidr), ...this.#ours()]);
    } catch (error) {
      if (!/No such process/.test(String(error))) throw error;
    }
  }

  async #show(family: '-4' | '-6'): Promise<IpRoute[]> {
    try {
      const text = await this.#options.ip(['-j', family, 'route', 'show', ...this.#ours()]);
      return text.trim() === '' ? [] : (JSON.parse(text) as IpRoute[]);
    } catch (error) {
      // So it is until something is in the table.
      if (/FIB table does not exist/.test(String(error))) return [];
      throw error;
    }
  }

  #ours(): string[] {
    const { table, protocol } = this.#options.config;
    return ['proto', String(protocol), 'table', String(table)];
  }

  #isOwn(name: string): boolean {
    const { nodeName } = this.#options.config;
    return nodeName !== '' && name === nodeName;
  }

  /** As if they were there. */
  #ownRoutes({ metadata: { name = '' }, spec }: Node): NodeRoute[] {
    if (!this.#isOwn(name)) return [];
    return podCidrsOf(spec).map(destinationCidr => ({ name, targetNode: name, destinationCidr }));
  }
}

/** What `ip -j route` prints, as far as it matters. */
interface IpRoute {
  readonly type?: string;
  readonly dst: string;
  readonly gateway?: string;
}

/** `ip` leaves the prefix of a single address out. */
function withPrefix(dst: string): string {
  if (isIP(dst) === 0) return dst;
  return `${dst}/${isIP(dst) === 4 ? 32 : 128}`;
}

/** So that what came from an object is a range, and no option of `ip`. */
function checked(text: string): string {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`Cannot read "${text}" as a range`);
  return formatCidr(cidr);
}

function gatewayOf(addresses: readonly NodeAddress[], destination: string): string | undefined {
  const family = destination.includes(':') ? 6 : 4;
  return addresses.find(({ type, address }) => type === 'InternalIP' && isIP(address) === family)
    ?.address;
}
