import type { NodeAddress } from './api/types-core-v1.ts';
import { definePoint } from './extension.ts';

/**
 * Where packets to the pods of a node are sent: a cloud's routing table, that of a machine, a router.
 * What upstream's cloud providers contribute as `Routes`. The controller compares what `list`
 * answers with the nodes, and calls the others for what differs; it calls again after a failure, so
 * all three are idempotent. A rejection is told in an Event of the node.
 */
export interface Routes {
  /** All routes of the cluster, and no others: the controller deletes those that no node needs. */
  list(clusterName: string): readonly NodeRoute[] | Promise<readonly NodeRoute[]>;
  /** `nameHint` is unique for the node; with two routes for one node both have the same. */
  create(clusterName: string, nameHint: string, route: NewNodeRoute): void | Promise<void>;
  /** Of a route as `list` gave it; resolves also when it is gone. */
  delete(clusterName: string, route: NodeRoute): void | Promise<void>;
}

/** The controller uses the one that its config names, or the only one that there is. */
export const routesPoint = definePoint<Routes>({
  name: 'routes',
  combine: 'unique',
  methods: ['list', 'create', 'delete'],
});

export interface NewNodeRoute {
  readonly targetNode: string;
  /** As the node has them. */
  readonly targetNodeAddresses: readonly NodeAddress[];
  readonly destinationCidr: string;
}

export interface NodeRoute extends Omit<NewNodeRoute, 'targetNodeAddresses'> {
  readonly name: string;
  /** Of the node, or empty: it leads to no node, and is stale. */
  readonly targetNode: string;
  /** Where it leads. When it is none of the node's addresses the route is made anew. */
  readonly gatewayAddress?: string;
  /** Where it leads, if that is all of a node's addresses; compared as `gatewayAddress` is. */
  readonly targetNodeAddresses?: readonly NodeAddress[];
  /** It leads nowhere, as after its node is gone, and is to be deleted. */
  readonly blackhole?: boolean;
}
