import { type NodeInfo, type PodInfo, SCORE_MAX } from 'kernetes/sdk';

export interface LeastAllocatedConfig {
  readonly resources: readonly { readonly name: string; readonly weight: number }[];
}

/**
 * The share of the node that is free once the pod is there: 100 when empty, 0 when full, over the
 * resources by weight. Whole numbers at each step, as upstream, so that ties are upstream's.
 */
export function leastAllocated(pod: PodInfo, node: NodeInfo, config: LeastAllocatedConfig): number {
  const { resources } = config;
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < resources.length; i++) {
    const { name, weight } = resources[i] as LeastAllocatedConfig['resources'][number];
    const capacity = capacityOf(node, name);
    if (capacity === 0) continue;
    const used = usageOf(node, pod, name);
    if (used <= capacity) sum += Math.floor(((capacity - used) * SCORE_MAX) / capacity) * weight;
    weights += weight;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

function capacityOf({ allocatable }: NodeInfo, name: string): number {
  if (name === 'cpu') return allocatable.milliCpu;
  if (name === 'memory') return allocatable.memory;
  if (name === 'ephemeral-storage') return allocatable.ephemeralStorage;
  return allocatable.scalar.get(name) ?? 0;
}

/** With the pod. For CPU and memory a container that asks for nothing counts a little. */
function usageOf(node: NodeInfo, pod: PodInfo, name: string): number {
  if (name === 'cpu') return node.nonZeroMilliCpu + pod.nonZeroMilliCpu;
  if (name === 'memory') return node.nonZeroMemory + pod.nonZeroMemory;
  const { requested } = node;
  if (name === 'ephemeral-storage') {
    return requested.ephemeralStorage + pod.requests.ephemeralStorage;
  }
  return (requested.scalar.get(name) ?? 0) + (pod.requests.scalar.get(name) ?? 0);
}
