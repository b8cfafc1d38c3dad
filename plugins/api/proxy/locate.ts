import ipaddr from 'ipaddr.js';
import {
  badRequest,
  type ConnectRequest,
  Node,
  type ObjectClient,
  Pod,
  podAddresses,
  type Random,
  type ReadyEndpoint,
  Service,
  type ServiceEndpoints,
  serviceUnavailable,
} from 'kernetes/sdk';

export interface Location {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

export interface LocatorOptions {
  readonly objects: Pick<ObjectClient, 'get'>;
  readonly random: Random;
  readonly endpoints: Pick<ServiceEndpoints, 'ready'>;
}

export type Proxied = 'pods' | 'services' | 'nodes';

/** Finds where a proxied request goes. Rejects with what its client is to be told. */
export class Locator {
  readonly #options: LocatorOptions;

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  locate(resource: Proxied, { namespace, name }: ConnectRequest): Promise<Location> {
    const id = splitId(name);
    if (id === undefined) {
      throw badRequest(`invalid ${resource.slice(0, -1)} request ${JSON.stringify(name)}`);
    }
    if (resource === 'pods') return this.#pod(namespace, id);
    return resource === 'services' ? this.#service(namespace, name, id) : this.#node(id);
  }

  async #pod(namespace: string, { scheme, name, port }: Id): Promise<Location> {
    const pod = await this.#options.objects.get(Pod, { namespace, name });
    const ports = pod.spec?.containers?.flatMap(each => each.ports ?? []) ?? [];
    const first = ports[0]?.containerPort;
    const [host = ''] = podAddresses(pod);
    assertProxyable(host);
    const fallback = first ?? (scheme === 'https' ? 443 : 80);
    return { scheme, host, port: port === '' ? fallback : portNumber(port) };
  }

  async #service(namespace: string, whole: string, id: Id): Promise<Location> {
    const { scheme, name, port } = id;
    const { objects, endpoints, random } = this.#options;
    const service = await objects.get(Service, { namespace, name });
    const portName = portNameOf(service, port);
    if (portName === undefined) {
      throw serviceUnavailable(`no service port ${port} found for service "${name}"`);
    }
    const ready = await endpoints.ready(namespace, name, portName);
    const start = random.integer(Math.max(1, ready.length));
    for (let i = 0; i < ready.length; i++) {
      const candidate = ready[(start + i) % ready.length];
      if (candidate === undefined || !(await this.#isPod(namespace, candidate))) continue;
      assertProxyable(candidate.ip);
      return { scheme, host: candidate.ip, port: candidate.port };
    }
    throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(whole)}`);
  }

  /** Whoever may write endpoints could else make us reach anything. */
  async #isPod(namespace: string, { ip, endpoint }: ReadyEndpoint): Promise<boolean> {
    const { kind, name = '', namespace: of } = endpoint.targetRef ?? {};
    if (kind !== 'Pod' || of !== namespace || name === '') return false;
    const pod = await this.#options.objects.get(Pod, { namespace, name }).catch(() => undefined);
    return pod !== undefined && podAddresses(pod).includes(ip);
  }

  async #node({ scheme, name, port }: Id): Promise<Location> {
    const { status } = await this.#options.objects.get(Node, { name });
    const addresses = status?.addresses ?? [];
    const host = ADDRESS_TYPES.flatMap(type => addresses.filter(each => each.type === type)).at(
      0,
    )?.address;
    if (host === undefined) throw badRequest(`no preferred addresses found; known addresses: []`);
    const kubeletPort = status?.daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT;
    if (port === '' || Number(port) === kubeletPort) {
      return { scheme: 'https', host, port: kubeletPort };
    }
    assertProxyable(host);
    return { scheme, host, port: portNumber(port) };
  }
}

interface Id {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  readonly port: string;
}

/** `web`, `web:80`, `https:web:443` */
function splitId(id: string): Id | undefined {
  const parts = id.split(':');
  const [scheme = '', name = '', port = ''] =
    parts.length === 3 ? parts : ['', parts[0], parts[1] ?? ''];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme)) return undefined;
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}

/** A number becomes the name of the port that has it; undefined when none has. */
function portNameOf({ spec }: Service, port: string): string | undefined {
  if (!/^\d+$/.test(port)) return port;
  const found = spec?.ports?.find(each => each.port === Number(port));
  return found && (found.name ?? '');
}

function portNumber(port: string): number {
  const number = Number(port);
  if (/^\d+$/.test(port) && number > 0 && number < 65_536) return number;
  throw serviceUnavailable(
    `error trying to reach service: dial tcp: lookup tcp/${port}: unknown port`,
  );
}

/** Throws BadRequest: what only this machine, or its link, can reach is not for clients. */
function assertProxyable(host: string): void {
  const range = ipaddr.isValid(host) ? ipaddr.process(host).range() : 'none';
  if (FORBIDDEN.has(range)) throw badRequest('address not allowed');
}

const FORBIDDEN: ReadonlySet<string> = new Set([
  'none',
  'broadcast',
  'linkLocal',
  'loopback',
  'multicast',
  'unspecified',
]);
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'Hostname'];
const KUBELET_PORT = 10_250;
