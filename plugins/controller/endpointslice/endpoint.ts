import {
  canServe,
  type EndpointSlice,
  hostnameIn,
  isPodReady,
  type Node,
  type Pod,
  podAddresses,
  type Service,
  serviceFamilies,
  targetPortIn,
} from 'kernetes/sdk';
import { zoneOf } from './zones.ts';

export type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
type EndpointPort = NonNullable<EndpointSlice['ports']>[number];

/** Endpoints that may share slices. */
export interface List {
  readonly addressType: string;
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

export interface Wanted {
  /** Each family has at least one, if only an empty one. */
  readonly lists: readonly List[];
  /** What had to be left out for now, and why. */
  readonly problems: readonly string[];
}

type NodeOf = (name: string) => Node | undefined;

export function endpointsOf(service: Service, pods: readonly Pod[], nodeOf: NodeOf): Wanted {
  const lists = new Map<string, List>();
  const problems = new Set<string>();
  for (const addressType of serviceFamilies(service)) {
    const before = lists.size;
    for (const pod of pods) {
      if (!canServe(pod)) continue;
      const address = podAddresses(pod).find(ip => ip.includes(':') === (addressType === 'IPv6'));
      if (address === undefined) continue;
      const node = nodeOf(pod.spec?.nodeName ?? '');
      // Nothing is known about where it would be. It comes back with its node, or goes for good.
      if (node === undefined && !service.spec?.publishNotReadyAddresses) {
        problems.add(lostNode(service, pod));
        continue;
      }
      const ports = portsOf(service, pod);
      const key = JSON.stringify([addressType, ports]);
      const list = lists.get(key) ?? { addressType, ports, endpoints: [] };
      lists.set(key, list);
      list.endpoints.push(endpointOf(service, pod, { address, node }));
    }
    if (lists.size === before) lists.set(addressType, { addressType, ports: [], endpoints: [] });
  }
  return { lists: [...lists.values()], problems: [...problems] };
}

function endpointOf(
  service: Service,
  pod: Pod,
  { address, node }: { readonly address: string; readonly node: Node | undefined },
): Endpoint {
  const { namespace = '', name = '', uid = '', deletionTimestamp } = pod.metadata;
  const { nodeName } = pod.spec ?? {};
  const serving = isPodReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const publishesAll = service.spec?.publishNotReadyAddresses === true;
  const ready = publishesAll || (serving && !terminating);
  const hostname = hostnameIn(service, pod);
  const zone = node && zoneOf(node);
  const hints = ready ? hintsFor(service, nodeName, zone) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hints && { hints }),
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone && { zone }),
  };
}

/** By `trafficDistribution`; the older annotation, where there is one, goes before it. */
function hintsFor(
  service: Service,
  node: string | undefined,
  zone: string | undefined,
): Endpoint['hints'] {
  const { trafficDistribution } = service.spec ?? {};
  if (trafficDistribution === undefined || isTopologyAware(service)) return undefined;
  const forNode = trafficDistribution === 'PreferSameNode' ? node : undefined;
  if (!zone && !forNode) return undefined;
  return {
    ...(forNode && { forNodes: [{ name: forNode }] }),
    ...(zone && { forZones: [{ name: zone }] }),
  };
}

/** Whether zones are to get endpoints in proportion to their processors. */
export function isTopologyAware({ metadata: { annotations = {} } }: Service): boolean {
  const mode = annotations[TOPOLOGY_HINTS] ?? annotations[TOPOLOGY_MODE];
  return mode === 'Auto' || mode === 'auto';
}

/** What of the Service's ports the pod has. Upstream keeps a pod that has none of them, too. */
function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const { name = '', protocol = 'TCP', appProtocol, ...port } of service.spec?.ports ?? []) {
    const target = targetPortIn(pod, { ...port, protocol });
    if (target === undefined) continue;
    ports.push({ name, port: target, protocol, ...(appProtocol && { appProtocol }) });
  }
  return ports;
}

function lostNode({ metadata: { namespace, name } }: Service, { metadata, spec }: Pod): string {
  const node = spec?.nodeName ?? '';
  return `skipping Pod ${metadata.name} for Service ${namespace}/${name}: Node ${node} Not Found`;
}

const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';
/** Its name before v1.27. */
const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
