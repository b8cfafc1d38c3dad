import {
  canServe,
  type EndpointAddress,
  type EndpointSubset,
  hostnameIn,
  isHeadless,
  isPodReady,
  type Pod,
  podAddresses,
  type Service,
  serviceFamilies,
  targetPortIn,
} from 'kernetes/sdk';

type EndpointPort = NonNullable<EndpointSubset['ports']>[number];

/** Addresses that have the same ports. */
interface Group {
  readonly ports: readonly EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

/**
 * The pods' addresses in as few subsets as there are different lists of ports, in an order that
 * depends on nothing but the pods, so that the same pods give the same subsets.
 */
export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const publishesAll = service.spec?.publishNotReadyAddresses === true;
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!canServe(pod) || (pod.metadata.deletionTimestamp && !publishesAll)) continue;
    const address = addressOf(service, pod);
    const ports = portsOf(service, pod);
    if (!address || !ports) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (publishesAll || isPodReady(pod) ? group.ready : group.notReady).push(address);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => toSubset(group));
}

/**
 * At most 1000 addresses in all, ready ones before others: of each subset in proportion to what it
 * has.
 */
export function truncate(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  if (!isTruncated(subsets)) return [...subsets];
  const ready = share(
    subsets.map(({ addresses = [] }) => addresses),
    ADDRESSES_MAX,
  );
  const left = ADDRESSES_MAX - ready.flat().length;
  const others = share(
    subsets.map(({ notReadyAddresses = [] }) => notReadyAddresses),
    left,
  );
  return subsets
    .map(({ ports = [] }, i) =>
      toSubset({ ports, ready: ready[i] ?? [], notReady: others[i] ?? [] }),
    )
    .filter(({ addresses, notReadyAddresses }) => addresses || notReadyAddresses);
}

/** The first of each list, together at most `max`. What rounding up gives too much the last lacks. */
function share(lists: readonly EndpointAddress[][], max: number): EndpointAddress[][] {
  const total = lists.flat().length;
  if (total <= max) return [...lists];
  let left = max;
  return lists.map(list => {
    const taken = list.slice(0, Math.min(left, Math.ceil((list.length / total) * max)));
    left -= taken.length;
    return taken;
  });
}

export function isTruncated(subsets: readonly EndpointSubset[]): boolean {
  const counts = subsets.map(
    ({ addresses = [], notReadyAddresses = [] }) => addresses.length + notReadyAddresses.length,
  );
  return counts.reduce((sum, count) => sum + count, 0) > ADDRESSES_MAX;
}

/** In the Service's first family. */
function addressOf(service: Service, pod: Pod): EndpointAddress | undefined {
  const [family] = serviceFamilies(service);
  const ip = podAddresses(pod).find(each => each.includes(':') === (family === 'IPv6'));
  if (ip === undefined) return undefined;
  const { namespace = '', name = '', uid = '' } = pod.metadata;
  const hostname = hostnameIn(service, pod);
  const nodeName = pod.spec?.nodeName;
  return {
    ip,
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

/** Undefined: the pod has none of the ports. A headless Service may have no ports at all. */
function portsOf(service: Service, pod: Pod): EndpointPort[] | undefined {
  const wanted = service.spec?.ports ?? [];
  if (wanted.length === 0) return isHeadless(service) ? [] : undefined;
  const ports: EndpointPort[] = [];
  for (const port of wanted) {
    const target = targetPortIn(pod, port);
    if (target === undefined) continue;
    ports.push({
      ...(port.name && { name: port.name }),
      port: target,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol && { appProtocol: port.appProtocol }),
    });
  }
  return ports.length > 0 ? ports : undefined;
}

function toSubset({ ports, ready, notReady }: Group): EndpointSubset {
  return {
    ...(ready.length > 0 && { addresses: sorted(ready) }),
    ...(notReady.length > 0 && { notReadyAddresses: sorted(notReady) }),
    ...(ports.length > 0 && { ports: [...ports] }),
  };
}

/** Two pods may have one address (of their node). */
function sorted(addresses: readonly EndpointAddress[]): EndpointAddress[] {
  const order = ({ ip, targetRef }: EndpointAddress) => `${ip} ${targetRef?.uid}`;
  return [...addresses].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** Upstream's bound: larger Endpoints burden every node. */
const ADDRESSES_MAX = 1_000;
