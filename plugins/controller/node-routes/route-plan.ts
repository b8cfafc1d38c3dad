import {
  type Cidr,
  cidrsOverlap,
  type NewNodeRoute,
  type Node,
  type NodeAddress,
  type NodeRoute,
  parseCidr,
  podCidrsOf,
} from 'kernetes/sdk';

export interface RoutePlan {
  /** Before anything is created: a destination has one route. */
  readonly deletes: readonly NodeRoute[];
  readonly creates: readonly PlannedRoute[];
  /** Nodes that should have routes, and whether they lack none. */
  readonly nodes: readonly Node[];
}

export interface PlannedRoute {
  readonly node: Node;
  readonly route: NewNodeRoute;
}

/**
 * What makes the routes those that the nodes need: one for each of a node's ranges. Routes to
 * destinations outside of the cluster's ranges are somebody else's.
 */
export function planRoutes(
  nodes: readonly Node[],
  { routes, ranges }: { readonly routes: readonly NodeRoute[]; readonly ranges: readonly Cidr[] },
): RoutePlan {
  const right = new Set<string>();
  const byName = new Map(nodes.map(node => [node.metadata.name ?? '', node]));
  const deletes = routes.filter(route => {
    const node = byName.get(route.targetNode);
    const isRight = node !== undefined && leadsTo(route, node);
    if (isRight) right.add(idOf(route));
    return !isRight && isOurs(route, ranges);
  });
  const creates = nodes.flatMap(node =>
    routesOf(node)
      .filter(route => !right.has(idOf(route)))
      .map(route => ({ node, route })),
  );
  // One that has routes but no ranges is told too that it now has none.
  const had = new Set(routes.map(({ targetNode }) => targetNode));
  const told = nodes.filter(node => {
    return routesOf(node).length > 0 || had.has(node.metadata.name ?? '');
  });
  return { deletes, creates, nodes: told };
}

/** The routes that the node should have. */
export function routesOf({ metadata, spec, status }: Node): NewNodeRoute[] {
  return podCidrsOf(spec).map(destinationCidr => ({
    targetNode: metadata.name ?? '',
    targetNodeAddresses: status?.addresses ?? [],
    destinationCidr,
  }));
}

function leadsTo(route: NodeRoute, node: Node): boolean {
  if (route.blackhole) return false;
  const wanted = routesOf(node).find(each => idOf(each) === idOf(route));
  if (!wanted) return false;
  const { gatewayAddress, targetNodeAddresses } = route;
  const addresses = wanted.targetNodeAddresses;
  if (gatewayAddress) return addresses.some(({ address }) => address === gatewayAddress);
  return !targetNodeAddresses || areSame(targetNodeAddresses, addresses);
}

function areSame(some: readonly NodeAddress[], others: readonly NodeAddress[]): boolean {
  const texts = [some, others].map(addresses => {
    return addresses.map(({ type, address }) => `${type} ${address}`).sort();
  });
  return JSON.stringify(texts[0]) === JSON.stringify(texts[1]);
}

function isOurs({ destinationCidr }: NodeRoute, ranges: readonly Cidr[]): boolean {
  const cidr = parseCidr(destinationCidr);
  return cidr !== undefined && ranges.some(range => cidrsOverlap(range, cidr));
}

function idOf({ targetNode, destinationCidr }: Pick<NodeRoute, 'targetNode' | 'destinationCidr'>) {
  return `${destinationCidr} ${targetNode}`;
}
