import type { Service } from '../api/types-core-v1.ts';
import type { QuotaEvaluator } from './evaluator.ts';
import { countOf, type Usage } from './usage.ts';

export const serviceEvaluator: QuotaEvaluator<Service> = {
  fields: ['spec.type', 'spec.ports.nodePort', 'spec.allocateLoadBalancerNodePorts'],
  watchesUpdates: true,
  counts: name => NAMES.has(name),
  usage: serviceUsage,
};

/** By what is wanted: a port's number may not have been chosen yet. */
function serviceUsage({ spec }: Service): Usage {
  const isBalanced = spec?.type === 'LoadBalancer';
  return new Map([
    ['count/services', countOf(1)],
    ['services', countOf(1)],
    ['services.loadbalancers', countOf(isBalanced ? 1 : 0)],
    ['services.nodeports', countOf(nodePorts(spec))],
  ]);
}

function nodePorts(spec: Service['spec']): number {
  const { type, ports = [], allocateLoadBalancerNodePorts: allocates = true } = spec ?? {};
  if (type === 'NodePort' || (type === 'LoadBalancer' && allocates)) return ports.length;
  if (type !== 'LoadBalancer') return 0;
  return ports.filter(({ nodePort }) => nodePort).length;
}

const NAMES = new Set([
  'count/services',
  'services',
  'services.nodeports',
  'services.loadbalancers',
]);
