import { isIP } from 'node:net';
import {
  controllerReference,
  type Endpoint,
  type EndpointAddress,
  type EndpointSlice,
  type EndpointSubset,
  Endpoints,
} from 'kernetes/sdk';

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslicemirroring-controller.k8s.io';

/** Upstream's default: so many addresses of a subset are shown. */
export const SUBSET_ADDRESSES_MAX = 1000;

/** The slices that show the Endpoints: one for each subset and family of addresses. */
export function slicesOf(endpoints: Endpoints): EndpointSlice[] {
  return (endpoints.subsets ?? []).flatMap(subset => {
    const all = endpointsOf(subset).slice(0, SUBSET_ADDRESSES_MAX);
    return (['IPv4', 'IPv6'] as const).flatMap(addressType => {
      const family = addressType === 'IPv4' ? 4 : 6;
      const own = all.filter(({ addresses: [ip = ''] }) => isIP(ip) === family);
      return own.length > 0 ? [newSlice(endpoints, { subset, addressType, own })] : [];
    });
  });
}

/** How many addresses are not shown. */
export function skippedIn({ subsets = [] }: Endpoints): number {
  const over = (subset: EndpointSubset) => endpointsOf(subset).length - SUBSET_ADDRESSES_MAX;
  return subsets.reduce((sum, subset) => sum + Math.max(0, over(subset)), 0);
}

interface Parts {
  readonly subset: EndpointSubset;
  readonly addressType: 'IPv4' | 'IPv6';
  readonly own: Endpoint[];
}

function newSlice(endpoints: Endpoints, { subset, addressType, own }: Parts): EndpointSlice {
  const { name = '', namespace = '', labels, annotations = {} } = endpoints.metadata;
  const { [HEADLESS]: _, ...kept } = labels ?? {};
  const copied = Object.entries(annotations).filter(([key]) => !NOT_COPIED.has(key));
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: { ...kept, 'kubernetes.io/service-name': name, [MANAGED_BY]: MANAGER },
      ...(copied.length > 0 && { annotations: Object.fromEntries(copied) }),
      ownerReferences: [controllerReference(Endpoints, endpoints)],
    },
    addressType,
    endpoints: own,
    ports: (subset.ports ?? []).map(
      ({ name: portName = '', port, protocol = 'TCP', appProtocol }) => ({
        ...{ name: portName, port, protocol },
        ...(appProtocol !== undefined && { appProtocol }),
      }),
    ),
  };
}

function endpointsOf({ addresses = [], notReadyAddresses = [] }: EndpointSubset): Endpoint[] {
  return [
    ...addresses.map(address => endpointOf(address, true)),
    ...notReadyAddresses.map(address => endpointOf(address, false)),
  ];
}

function endpointOf(
  { ip, hostname, nodeName, targetRef }: EndpointAddress,
  ready: boolean,
): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}

const HEADLESS = 'service.kubernetes.io/headless';
const NOT_COPIED: ReadonlySet<string> = new Set([
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
]);
