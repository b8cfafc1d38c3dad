import {
  type NodeInfo,
  type PodInfo,
  SCORE_MAX,
  type ScoreNodesContext,
  type ShapePoint,
  scoreAt,
} from 'kernetes/sdk';
import { capacityOf, type ResourceWeight, usageOf } from './amounts.ts';

export interface ScoringStrategy {
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  readonly resources: readonly ResourceWeight[];
  readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
}

export type Scorer = (pod: PodInfo, node: NodeInfo) => number;

/**
 * Scores a node by how much of each resource is taken with the pod there. Whole numbers at each
 * step, as upstream, so that ties are upstream's.
 */
export function scorerOf(strategy: ScoringStrategy): Scorer {
  const { resources } = strategy;
  if (strategy.type === 'LeastAllocated') {
    return (pod, node) => meanScore(pod, node, resources, leastAllocated);
  }
  if (strategy.type === 'MostAllocated') {
    return (pod, node) => meanScore(pod, node, resources, mostAllocated);
  }
  const shape = strategy.requestedToCapacityRatio?.shape ?? [];
  const byUtilization = Float64Array.from({ length: 101 }, (_, use) => scoreAt(shape, use));
  return (pod, node) => ratioScore(pod, node, resources, byUtilization);
}

/** For many nodes; false for resources that have no column. */
export function nodesScorerOf(strategy: ScoringStrategy): (context: ScoreNodesContext) => boolean {
  const { type, resources } = strategy;
  const score = type === 'LeastAllocated' ? leastAllocated : mostAllocated;
  const inColumns = resources.every(({ name }) => name === 'cpu' || name === 'memory');
  if (!inColumns || type === 'RequestedToCapacityRatio') return () => false;
  const weightOf = (wanted: string) => {
    let sum = 0;
    for (const { name, weight } of resources) if (name === wanted) sum += weight;
    return sum;
  };
  const cpuWeight = weightOf('cpu');
  const memoryWeight = weightOf('memory');
  return ({ pod, columns, count, indices, scores }) => {
    const { allocatableMilliCpu, allocatableMemory, nonZeroMilliCpu, nonZeroMemory } = columns;
    for (let i = 0; i < count; i++) {
      const row = indices[i] as number;
      const cpu = allocatableMilliCpu[row] as number;
      const memory = allocatableMemory[row] as number;
      const weights = (cpu === 0 ? 0 : cpuWeight) + (memory === 0 ? 0 : memoryWeight);
      let sum = 0;
      if (cpu > 0) {
        sum += score((nonZeroMilliCpu[row] as number) + pod.nonZeroMilliCpu, cpu) * cpuWeight;
      }
      if (memory > 0) {
        sum += score((nonZeroMemory[row] as number) + pod.nonZeroMemory, memory) * memoryWeight;
      }
      scores[i] = weights === 0 ? 0 : Math.floor(sum / weights);
    }
    return true;
  };
}

/** The mean over the resources by weight; 0 when the node has none of them. */
function meanScore(
  pod: PodInfo,
  node: NodeInfo,
  resources: readonly ResourceWeight[],
  score: (used: number, capacity: number) => number,
): number {
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < resources.length; i++) {
    const { name, weight } = resources[i] as ResourceWeight;
    const capacity = capacityOf(node, pod, name);
    if (capacity === 0) continue;
    sum += score(usageOf(node, pod, name), capacity) * weight;
    weights += weight;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

/** The free share. */
export function leastAllocated(used: number, capacity: number): number {
  return used > capacity ? 0 : Math.floor(((capacity - used) * SCORE_MAX) / capacity);
}

/** The taken share. */
export function mostAllocated(used: number, capacity: number): number {
  return Math.floor((Math.min(used, capacity) * SCORE_MAX) / capacity);
}

/** Resources whose score is 0 do not count at all, and the mean is rounded: as upstream. */
function ratioScore(
  pod: PodInfo,
  node: NodeInfo,
  resources: readonly ResourceWeight[],
  byUtilization: Float64Array,
): number {
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < resources.length; i++) {
    const { name, weight } = resources[i] as ResourceWeight;
    const capacity = capacityOf(node, pod, name);
    if (capacity === 0) continue;
    const used = Math.min(usageOf(node, pod, name), capacity);
    const score = byUtilization[Math.floor((used * 100) / capacity)] as number;
    if (score === 0) continue;
    sum += score * weight;
    weights += weight;
  }
  return weights === 0 ? 0 : Math.round(sum / weights);
}
