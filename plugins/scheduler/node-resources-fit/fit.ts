import type { FilterNodesContext, NodeInfo, PodInfo, Refusal } from 'kernetes/sdk';
import { verdict } from 'kernetes/sdk';

export interface FitConfig {
  /** Extended resources that are not looked at. */
  readonly ignoredResources: readonly string[];
  /** `example.com`: ignores `example.com/anything`. */
  readonly ignoredResourceGroups: readonly string[];
}

/** Undefined when the pod fits. Allocates nothing then, nor for a lack that was met before. */
export function refusalOf(pod: PodInfo, node: NodeInfo, config: FitConfig): Refusal | undefined {
  const { requests } = pod;
  const { allocatable, requested } = node;
  let lacks = 0;
  let hopeless = false;
  if (requested.pods + 1 > allocatable.pods) lacks |= LACKS_PODS;
  if (requests.milliCpu > allocatable.milliCpu - requested.milliCpu && requests.milliCpu > 0) {
    lacks |= LACKS_CPU;
    hopeless ||= requests.milliCpu > allocatable.milliCpu;
  }
  if (requests.memory > allocatable.memory - requested.memory && requests.memory > 0) {
    lacks |= LACKS_MEMORY;
    hopeless ||= requests.memory > allocatable.memory;
  }
  const storageLeft = allocatable.ephemeralStorage - requested.ephemeralStorage;
  if (requests.ephemeralStorage > storageLeft && requests.ephemeralStorage > 0) {
    lacks |= LACKS_STORAGE;
    hopeless ||= requests.ephemeralStorage > allocatable.ephemeralStorage;
  }
  if (requests.scalar.size === 0) return lacks === 0 ? undefined : known(lacks, hopeless);
  return withScalars(pod, node, config, lacks, hopeless);
}

/** The same for many nodes; false where the pod wants what has no column. */
export function refuseNodes(context: FilterNodesContext): boolean {
  const { requests } = context.pod;
  if (requests.scalar.size > 0) return false;
  const { columns, count, indices, verdicts } = context;
  const { allocatableMilliCpu, allocatableMemory, allocatablePods } = columns;
  const { requestedMilliCpu, requestedMemory, requestedPods } = columns;
  const { allocatableEphemeralStorage, requestedEphemeralStorage } = columns;
  const { milliCpu, memory, ephemeralStorage } = requests;
  for (let i = 0; i < count; i++) {
    const row = indices[i] as number;
    const cpu = allocatableMilliCpu[row] as number;
    const bytes = allocatableMemory[row] as number;
    const disk = allocatableEphemeralStorage[row] as number;
    let lacks = 0;
    if ((requestedPods[row] as number) + 1 > (allocatablePods[row] as number)) lacks = LACKS_PODS;
    if (milliCpu > cpu - (requestedMilliCpu[row] as number) && milliCpu > 0) lacks |= LACKS_CPU;
    if (memory > bytes - (requestedMemory[row] as number) && memory > 0) lacks |= LACKS_MEMORY;
    const left = disk - (requestedEphemeralStorage[row] as number);
    if (ephemeralStorage > left && ephemeralStorage > 0) lacks |= LACKS_STORAGE;
    if (lacks === 0) continue;
    const isHopeless =
      (lacks & LACKS_CPU && milliCpu > cpu) ||
      (lacks & LACKS_MEMORY && memory > bytes) ||
      (lacks & LACKS_STORAGE && ephemeralStorage > disk);
    verdicts[i] = 1 + 2 * lacks + (isHopeless ? 1 : 0);
  }
  return true;
}

/** Whether it may fit on the node as it is now; for pods that were refused before. */
export function mayFit(pod: PodInfo, node: NodeInfo, config: FitConfig): boolean {
  return refusalOf(pod, node, config) === undefined;
}

const LACKS_PODS = 1;
const LACKS_CPU = 2;
const LACKS_MEMORY = 4;
const LACKS_STORAGE = 8;
const REASONS = [
  'Too many pods',
  'Insufficient cpu',
  'Insufficient memory',
  'Insufficient ephemeral-storage',
];

/** By the set of what lacks, then whether no removal of pods can help. */
export const REFUSALS: readonly Refusal[] = Array.from({ length: 32 }, (_, at) =>
  make(at >> 1, at & 1, []),
);

function known(lacks: number, hopeless: boolean): Refusal {
  return REFUSALS[2 * lacks + Number(hopeless)] as Refusal;
}

function make(lacks: number, hopeless: number, more: readonly string[]): Refusal {
  const reasons = [...REASONS.filter((_, bit) => lacks & (1 << bit)), ...more];
  return hopeless ? verdict.unresolvable(...reasons) : verdict.unschedulable(...reasons);
}

function withScalars(
  pod: PodInfo,
  node: NodeInfo,
  config: FitConfig,
  lacks: number,
  hopeless: boolean,
): Refusal | undefined {
  const more: string[] = [];
  for (const [name, wanted] of pod.requests.scalar) {
    if (wanted === 0 || isIgnored(name, config)) continue;
    const total = node.allocatable.scalar.get(name) ?? 0;
    if (wanted <= total - (node.requested.scalar.get(name) ?? 0)) continue;
    more.push(`Insufficient ${name}`);
    if (wanted > total) hopeless = true;
  }
  if (more.length > 0) return make(lacks, Number(hopeless), more);
  return lacks === 0 ? undefined : known(lacks, hopeless);
}

/** Only extended resources, those of a domain that is not Kubernetes' own, can be ignored. */
function isIgnored(name: string, config: FitConfig): boolean {
  const slash = name.indexOf('/');
  if (slash < 0) return false;
  const group = name.slice(0, slash);
  if (group === 'kubernetes.io' || group.endsWith('.kubernetes.io')) return false;
  return config.ignoredResources.includes(name) || config.ignoredResourceGroups.includes(group);
}
