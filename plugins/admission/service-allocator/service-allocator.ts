import {
  type AdmissionPlugin,
  type AdmissionRequest,
  type ApiError,
  type FieldError,
  fieldPath,
  internalError,
  invalid,
  invalidValue,
  type Random,
  type Service,
  type ServicePort,
  type ServiceSpec,
} from 'kernetes/sdk';
import { Allocations } from './allocations.ts';
import { addressRange, formatIp, parseIp, portRange } from './ranges.ts';

export interface Config {
  readonly serviceCidr: string;
  /** The minor release of Kubernetes to be like; 0: the newest we know. */
  readonly release: number;
  readonly nodePortRange: string;
}

/** Which cluster IPs and node ports Services have. */
export class ServiceAllocator implements AdmissionPlugin {
  readonly rules = [
    { operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['services'] },
  ] as const;
  readonly #addressRange: ReturnType<typeof addressRange>;
  readonly #portRange: ReturnType<typeof portRange>;
  readonly #addresses: Allocations;
  readonly #ports: Allocations;
  /** Up to 1.22 a dry run drew node ports, and looked at nothing that was asked for. */
  readonly #allocatesInDryRun: boolean;

  /** Throws when a range cannot be read. */
  constructor({ serviceCidr, nodePortRange, release }: Config, random: Random) {
    this.#addressRange = addressRange(serviceCidr);
    this.#portRange = portRange(nodePortRange);
    this.#addresses = new Allocations(this.#addressRange, random);
    this.#ports = new Allocations(this.#portRange, random);
    this.#allocatesInDryRun = release === 0 || release > 22;
  }

  mutate(request: AdmissionRequest): undefined {
    const service = request.object as Service | undefined;
    const spec = service?.spec;
    if (service === undefined || spec === undefined) return;
    const old = (request.oldObject as Service | undefined)?.spec ?? {};
    const owner = ownerOf(service);
    if (request.dryRun && !this.#allocatesInDryRun) {
      this.#drawPorts(spec, owner, request);
      return;
    }
    this.#allocateAddress(spec, old, owner, request);
    this.#allocatePorts(spec, old, owner, request);
    this.#allocateHealthPort(spec, old, owner, request);
  }

  abandon(request: AdmissionRequest): void {
    this.#addresses.abandon(request);
    this.#ports.abandon(request);
  }

  /** The store shows a service. Returns what another service has too, as text. */
  seen(service: Service, old?: Service): string[] {
    const owner = ownerOf(service);
    const addresses = addressesOf(service.spec ?? {});
    const ports = portsOf(service.spec ?? {});
    if (old) this.#release(owner, old.spec ?? {}, { addresses, ports });
    return [
      ...this.#addresses.confirm(owner, addresses).map(formatIp),
      ...this.#ports.confirm(owner, ports).map(String),
    ];
  }

  gone(service: Service): void {
    this.#release(ownerOf(service), service.spec ?? {}, { addresses: [], ports: [] });
  }

  #release(
    owner: string,
    spec: ServiceSpec,
    kept: { readonly addresses: number[]; readonly ports: number[] },
  ): void {
    const isGone = (list: number[]) => (number: number) => !list.includes(number);
    this.#addresses.release(owner, addressesOf(spec).filter(isGone(kept.addresses)));
    this.#ports.release(owner, portsOf(spec).filter(isGone(kept.ports)));
  }

  #allocateAddress(
    spec: ServiceSpec,
    old: ServiceSpec,
    owner: string,
    request: AdmissionRequest,
  ): void {
    const wanted = spec.clusterIP || spec.clusterIPs?.[0] || '';
    if (spec.type === 'ExternalName' || wanted === 'None') return;
    this.#refuseSecondFamily(spec, request);
    if (wanted !== '') {
      const had = old.type === 'ExternalName' ? '' : old.clusterIP;
      const number = parseIp(wanted);
      // What is no address at all is refused, with everything else, by validation.
      if (wanted !== had && number !== undefined) this.#reserveAddress(number, owner, request);
    } else {
      const number = this.#addresses.take(owner, request);
      if (number === undefined) throw full('a serviceIP');
      spec.clusterIP = formatIp(number);
      spec.clusterIPs = [spec.clusterIP];
    }
    if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
  }

  /** The one range has addresses of one family. */
  #refuseSecondFamily(
    { ipFamilies = [], ipFamilyPolicy }: ServiceSpec,
    request: AdmissionRequest,
  ): void {
    const path = fieldPath('spec');
    const errors = ipFamilies.flatMap((family, i) =>
      family === 'IPv6'
        ? [
            invalidValue(
              path.child('ipFamilies').index(i),
              family,
              'not configured on this cluster',
            ),
          ]
        : [],
    );
    if (ipFamilyPolicy === 'RequireDualStack') {
      const why = 'this cluster is not configured for dual-stack services';
      errors.push(invalidValue(path.child('ipFamilyPolicy'), ipFamilyPolicy, why));
    }
    if (errors.length > 0) throw refusal(request, errors);
  }

  #reserveAddress(number: number, owner: string, request: AdmissionRequest): void {
    const { first, cidr } = this.#addressRange;
    const isKept = number === first && owner !== API_SERVER;
    const outcome = isKept ? 'taken' : this.#addresses.reserve(number, owner, request);
    if (outcome === 'reserved') return;
    const ip = formatIp(number);
    const why =
      outcome === 'taken'
        ? 'provided IP is already allocated'
        : `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${cidr}`;
    const path = fieldPath('spec', 'clusterIPs');
    throw refusal(request, [invalidValue(path, [ip], `failed to allocate IP ${ip}: ${why}`)]);
  }

  #allocatePorts(
    spec: ServiceSpec,
    old: ServiceSpec,
    owner: string,
    request: AdmissionRequest,
  ): void {
    if (!hasNodePorts(spec)) return;
    const had = new Set(portsOf(old));
    for (const [i, { nodePort }] of (spec.ports ?? []).entries()) {
      if (!nodePort || had.has(nodePort)) continue;
      this.#reservePort(nodePort, `spec.ports[${i}].nodePort`, owner, request);
    }
    this.#drawPorts(spec, owner, request);
  }

  #drawPorts(spec: ServiceSpec, owner: string, request: AdmissionRequest): void {
    if (!hasNodePorts(spec)) return;
    const ports = spec.ports ?? [];
    for (const port of ports) {
      port.nodePort ||= sharedNodePort(port, ports) ?? this.#takePort(owner, request);
    }
  }

  #allocateHealthPort(
    spec: ServiceSpec,
    old: ServiceSpec,
    owner: string,
    request: AdmissionRequest,
  ): void {
    if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return;
    const { healthCheckNodePort: wanted } = spec;
    if (!wanted) spec.healthCheckNodePort = this.#takePort(owner, request);
    else if (wanted !== old.healthCheckNodePort) {
      this.#reservePort(wanted, 'spec.healthCheckNodePort', owner, request);
    }
  }

  #reservePort(port: number, field: string, owner: string, request: AdmissionRequest): void {
    const outcome = this.#ports.reserve(port, owner, request);
    if (outcome === 'reserved') return;
    const why =
      outcome === 'taken'
        ? 'provided port is already allocated'
        : 'provided port is not in the valid range. ' +
          `The range of valid ports is ${this.#portRange.text}`;
    throw refusal(request, [invalidValue(field, port, why)]);
  }

  #takePort(owner: string, request: AdmissionRequest): number {
    const port = this.#ports.take(owner, request);
    if (port === undefined) throw full('a nodePort');
    return port;
  }
}

function ownerOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** One port number of two protocols has one node port. */
function sharedNodePort(port: ServicePort, ports: readonly ServicePort[]): number | undefined {
  const other = ports.find(
    each => each.nodePort && each.port === port.port && each.protocol !== port.protocol,
  );
  return other?.nodePort;
}

function hasNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return (
    type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)
  );
}

function addressesOf({ type, clusterIP = '' }: ServiceSpec): number[] {
  const number = type === 'ExternalName' ? undefined : parseIp(clusterIP);
  return number === undefined ? [] : [number];
}

function portsOf({ ports = [], healthCheckNodePort = 0 }: ServiceSpec): number[] {
  return [...ports.map(({ nodePort = 0 }) => nodePort), healthCheckNodePort].filter(Boolean);
}

function refusal({ name, object }: AdmissionRequest, errors: FieldError[]): ApiError {
  return invalid({ group: '', kind: 'Service' }, name || (object?.metadata.name ?? ''), errors);
}

function full(what: string): ApiError {
  return internalError(new Error(`failed to allocate ${what}: range is full`));
}

/** The service that the first address is kept for. */
const API_SERVER = 'default/kubernetes';
