import type { NodeInfo, PodInfo } from 'kernetes/sdk';

/** A resource that scores look at, and how much it counts. */
export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** How much of it a node has; 0 leaves it out of the score. */
export function capacityOf({ allocatable }: NodeInfo, pod: PodInfo, name: string): number {
  if (name === 'cpu') return allocatable.milliCpu;
  if (name === 'memory') return allocatable.memory;
  if (name === 'ephemeral-storage') return allocatable.ephemeralStorage;
  // An extended resource says nothing about a pod that does not ask for it.
  return pod.requests.scalar.get(name) ? (allocatable.scalar.get(name) ?? 0) : 0;
}

/** How much is taken with the pod there. CPU and memory nobody asked for counts a little. */
export function usageOf(node: NodeInfo, pod: PodInfo, name: string): number {
  if (name === 'cpu') return node.nonZeroMilliCpu + pod.nonZeroMilliCpu;
  if (name === 'memory') return node.nonZeroMemory + pod.nonZeroMemory;
  const { requested } = node;
  if (name === 'ephemeral-storage') {
    return requested.ephemeralStorage + pod.requests.ephemeralStorage;
  }
  return (requested.scalar.get(name) ?? 0) + (pod.requests.scalar.get(name) ?? 0);
}
