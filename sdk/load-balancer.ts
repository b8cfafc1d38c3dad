import type { LoadBalancerIngress, Node, Service } from './api/types-core-v1.ts';
import { definePoint } from './extension.ts';

/**
 * What gives Services of type LoadBalancer an address outside the cluster: a cloud's, one in a
 * network, a pool. Upstream's cloud provider interface of that name. The Service controller calls
 * it, one call at a time for a Service, and again after a rejection, later and later; a call for
 * what is so already changes nothing.
 */
export interface LoadBalancer {
  /** The `spec.loadBalancerClass` that it serves; empty: Services that name none. */
  readonly class: string;
  /**
   * Brings a balancer into being, or an existing one up to date with the Service and the nodes that
   * take its traffic; answers where it listens. Rejects where it cannot: the message becomes an event.
   */
  ensure(service: Service, nodes: readonly Node[]): Promise<readonly LoadBalancerIngress[]>;
  /** Only the nodes are others. Absent: `ensure` is called. */
  update?(service: Service, nodes: readonly Node[]): Promise<void>;
  /** Takes the balancer away; one that is not there is fine. */
  release(service: Service): Promise<void>;
}

export const loadBalancerPoint = definePoint<LoadBalancer>({
  name: 'loadBalancer',
  combine: 'unique',
  methods: ['ensure', 'update', 'release'],
});
