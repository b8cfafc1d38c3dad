import {
  type NodeInfo,
  type PodInfo,
  type Resources,
  SCORE_MAX,
  type ScoreNodesContext,
} from 'kernetes/sdk';

export interface BalanceConfig {
  readonly resources: readonly { readonly name: string; readonly weight: number }[];
}

/** Whether the pod asks for any of the resources. One that does not has no say in the balance. */
export function asksFor({ requests }: PodInfo, { resources }: BalanceConfig): boolean {
  return resources.some(({ name }) => amountOf(requests, name) > 0);
}

/**
 * 100 when, with the pod there, all resources are taken by the same share; less the more the
 * shares differ (their standard deviation).
 */
export function balance(pod: PodInfo, node: NodeInfo, { resources }: BalanceConfig): number {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < resources.length; i++) {
    const share = shareOf(pod, node, (resources[i] as { name: string }).name);
    if (share < 0) continue;
    count++;
    sum += share;
  }
  if (count < 2) return SCORE_MAX;
  const mean = sum / count;
  let squares = 0;
  let first = -1;
  let last = 0;
  for (let i = 0; i < resources.length; i++) {
    const share = shareOf(pod, node, (resources[i] as { name: string }).name);
    if (share < 0) continue;
    if (first < 0) first = share;
    last = share;
    squares += (share - mean) ** 2;
  }
  return scoreOf(count === 2 ? Math.abs(first - last) / 2 : Math.sqrt(squares / count));
}

/** For many nodes; false unless the resources are CPU and memory, which have columns. */
export function balanceNodes(context: ScoreNodesContext<BalanceConfig>): boolean {
  const { pod, config, columns, count, indices, scores } = context;
  const [first, second] = config.resources;
  if (config.resources.length !== 2) return false;
  if (first?.name !== 'cpu' || second?.name !== 'memory') return false;
  const { allocatableMilliCpu, allocatableMemory, requestedMilliCpu, requestedMemory } = columns;
  const { milliCpu, memory } = pod.requests;
  for (let i = 0; i < count; i++) {
    const row = indices[i] as number;
    const cpus = allocatableMilliCpu[row] as number;
    const bytes = allocatableMemory[row] as number;
    if (cpus === 0 || bytes === 0) {
      scores[i] = SCORE_MAX;
      continue;
    }
    const cpuShare = Math.min(1, ((requestedMilliCpu[row] as number) + milliCpu) / cpus);
    const memoryShare = Math.min(1, ((requestedMemory[row] as number) + memory) / bytes);
    scores[i] = scoreOf(Math.abs(cpuShare - memoryShare) / 2);
  }
  return true;
}

function scoreOf(deviation: number): number {
  return Math.trunc((1 - deviation) * SCORE_MAX);
}

/** Of what the node has, taken with the pod there: 0 to 1; -1 for what does not count. */
function shareOf(pod: PodInfo, node: NodeInfo, name: string): number {
  const capacity = amountOf(node.allocatable, name);
  const wanted = amountOf(pod.requests, name);
  if (capacity === 0 || (wanted === 0 && !OWN_FIELDS.has(name))) return -1;
  return Math.min(1, (amountOf(node.requested, name) + wanted) / capacity);
}

const OWN_FIELDS = new Set(['cpu', 'memory', 'ephemeral-storage']);

function amountOf(resources: Readonly<Resources>, name: string): number {
  if (name === 'cpu') return resources.milliCpu;
  if (name === 'memory') return resources.memory;
  if (name === 'ephemeral-storage') return resources.ephemeralStorage;
  return resources.scalar.get(name) ?? 0;
}
