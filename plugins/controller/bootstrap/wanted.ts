import ipaddr from 'ipaddr.js';
import {
  EndpointSlice,
  Endpoints,
  type Kind,
  type KubeObject,
  Namespace,
  PriorityClass,
  Service,
} from 'kernetes/sdk';

export interface Config {
  readonly serviceCidr: string;
  readonly advertiseAddress: string;
  /** 0: it listens nowhere. */
  readonly advertisePort: number;
}

/** An object that must be there. */
export interface Wanted<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  readonly object: T;
  /** Whether one that is there is as wanted; absent: any is. */
  readonly isSame?: (found: T) => boolean;
}

/** Namespaces come first: the rest is in them. */
export function wantedObjects(config: Config): readonly Wanted[] {
  return [
    ...NAMESPACES.map(name => want(Namespace, { metadata: { name } })),
    ...SYSTEM_CLASSES.map(priorityClass => want(PriorityClass, priorityClass)),
    want(Service, kubernetesService(config)),
    want(Service, dnsService(config)),
    ...apiEndpoints(config),
  ];
}

function kubernetesService({ serviceCidr, advertisePort }: Config): Service {
  return {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      clusterIP: addressAt(serviceCidr, 1),
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: advertisePort || 6443 }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    },
  };
}

function dnsService({ serviceCidr }: Config): Service {
  const labels = {
    'k8s-app': 'kube-dns',
    'kubernetes.io/cluster-service': 'true',
    'kubernetes.io/name': 'CoreDNS',
  };
  const annotations = { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' };
  return {
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels, annotations },
    spec: {
      clusterIP: addressAt(serviceCidr, 10),
      selector: { 'k8s-app': 'kube-dns' },
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  };
}

/** They follow the server's address, which may be another after a restart. */
function apiEndpoints({ advertiseAddress, advertisePort }: Config): Wanted[] {
  if (advertisePort === 0) return [];
  const address = ipaddr.parse(advertiseAddress);
  if (address.range() === 'loopback' || address.range() === 'unspecified') return [];
  const ports = [{ name: 'https', port: advertisePort, protocol: 'TCP' }];
  const named = { name: 'kubernetes', namespace: 'default' };
  const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };
  const endpoints: Endpoints = {
    metadata: { ...named, labels: skipMirror },
    subsets: [{ addresses: [{ ip: advertiseAddress }], ports }],
  };
  const slice: EndpointSlice = {
    metadata: { ...named, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: address.kind() === 'ipv6' ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
    ports,
  };
  return [
    want(Endpoints, endpoints, ({ subsets }) => {
      const [subset] = subsets ?? [];
      return (
        subset?.addresses?.[0]?.ip === advertiseAddress && subset.ports?.[0]?.port === advertisePort
      );
    }),
    want(EndpointSlice, slice, found => {
      const isThere = found.endpoints?.[0]?.addresses[0] === advertiseAddress;
      return isThere && found.ports?.[0]?.port === advertisePort;
    }),
  ];
}

function want<T extends KubeObject>(
  kind: Kind<T>,
  object: T,
  isSame?: (found: T) => boolean,
): Wanted {
  return { kind, object, ...(isSame && { isSame }) } as unknown as Wanted;
}

/** The n-th address of a range; throws when the range has fewer. */
export function addressAt(cidr: string, n: number): string {
  const [network, bits] = ipaddr.parseCIDR(cidr);
  const bytes = network.toByteArray();
  if (n >= 2 ** (bytes.length * 8 - bits)) {
    throw new Error(`Cannot take address ${n} of ${cidr}: the range is too small`);
  }
  let carry = n;
  for (let i = bytes.length - 1; carry > 0 && i >= 0; i--) {
    const sum = (bytes[i] ?? 0) + (carry & 0xff);
    bytes[i] = sum & 0xff;
    carry = (carry >>> 8) + (sum >>> 8);
  }
  return ipaddr.fromByteArray(bytes).toString();
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

const SYSTEM_CLASSES: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
];
