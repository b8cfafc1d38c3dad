import {
  canServe,
  type EndpointSlice,
  hostnameIn,
  isHeadless,
  isPodReady,
  type Pod,
  podAddresses,
  type Service,
  targetPortIn,
} from 'kernetes/sdk';

export type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
type EndpointPort = NonNullable<EndpointSlice['ports']>[number];

/** Endpoints that may share slices. */
export interface List {
  readonly addressType: string;
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

/** By family and ports. Each family has at least one, if only an empty one. */
export type Lists = ReadonlyMap<string, List>;

export function endpointsOf(
  service: Service,
  pods: readonly Pod[],
  zoneOf: (nodeName: string) => string | undefined,
): Lists {
  const lists = new Map<string, List>();
  for (const addressType of service.spec?.ipFamilies ?? ['IPv4']) {
    const before = lists.size;
    for (const pod of pods) {
      if (!canServe(pod)) continue;
      const address = podAddresses(pod).find(ip => ip.includes(':') === (addressType === 'IPv6'));
      const ports = portsOf(service, pod);
      if (address === undefined || !ports) continue;
      const key = JSON.stringify([addressType, ports]);
      const list = lists.get(key) ?? { addressType, ports, endpoints: [] };
      lists.set(key, list);
      list.endpoints.push(endpointOf(service, pod, { address, zoneOf }));
    }
    if (lists.size === before) lists.set(addressType, { addressType, ports: [], endpoints: [] });
  }
  return lists;
}

function endpointOf(
  service: Service,
  pod: Pod,
  options: {
    readonly address: string;
    readonly zoneOf: (nodeName: string) => string | undefined;
  },
): Endpoint {
  const { namespace = '', name = '', uid = '', deletionTimestamp } = pod.metadata;
  const { nodeName } = pod.spec ?? {};
  const serving = isPodReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const publishesAll = service.spec?.publishNotReadyAddresses === true;
  const hostname = hostnameIn(service, pod);
  const zone = nodeName && options.zoneOf(nodeName);
  return {
    addresses: [options.address],
    conditions: { ready: publishesAll || (serving && !terminating), serving, terminating },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone && { zone }),
  };
}

/** Undefined: the pod has none of the ports. A headless Service may have no ports at all. */
function portsOf(service: Service, pod: Pod): EndpointPort[] | undefined {
  const wanted = service.spec?.ports ?? [];
  if (wanted.length === 0) return isHeadless(service) ? [] : undefined;
  const ports: EndpointPort[] = [];
  for (const { name = '', protocol = 'TCP', appProtocol, ...port } of wanted) {
    const target = targetPortIn(pod, { ...port, protocol });
    if (target === undefined) continue;
    ports.push({ name, port: target, protocol, ...(appProtocol && { appProtocol }) });
  }
  return ports.length > 0 ? ports : undefined;
}
