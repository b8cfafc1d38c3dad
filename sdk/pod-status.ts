import type { Pod, PodCondition } from './api/types-core-v1.ts';

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find(condition => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** It runs or will run: neither finished nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodFinished(pod) && !pod.metadata.deletionTimestamp;
}

export function isPodFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/**
 * How long until a ready pod has been so for `minReadySeconds`: 0 when it has. Infinity for one
 * that is not ready: no waiting alone makes it available.
 */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, now: number): number {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return Number.POSITIVE_INFINITY;
  if (minReadySeconds === 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? '');
  if (Number.isNaN(since)) return Number.POSITIVE_INFINITY;
  return Math.max(0, since + minReadySeconds * 1000 - now);
}

/**
 * What controllers need to know of a pod. Those of a thread that ask for exactly these share one
 * copy of all pods.
 */
export const POD_FIELDS: readonly string[] = [
  'spec.nodeName',
  'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution',
  'spec.hostname',
  'spec.subdomain',
  'spec.restartPolicy',
  'spec.tolerations',
  'spec.containers.name',
  'spec.containers.ports',
  'spec.containers.resources.requests',
  'spec.initContainers.name',
  'spec.initContainers.ports',
  'spec.initContainers.restartPolicy',
  'spec.initContainers.resources.requests',
  'spec.overhead',
  'spec.resources.requests',
  'spec.volumes.name',
  'spec.volumes.ephemeral',
  'spec.volumes.persistentVolumeClaim',
  'spec.resourceClaims',
  'status.phase',
  'status.resourceClaimStatuses',
  'status.reason',
  'status.podIP',
  'status.podIPs',
  'status.startTime',
  'status.conditions',
  'status.containerStatuses.name',
  'status.containerStatuses.restartCount',
  'status.containerStatuses.state.terminated.exitCode',
  'status.containerStatuses.state.terminated.finishedAt',
  'status.initContainerStatuses.name',
  'status.initContainerStatuses.restartCount',
  'status.initContainerStatuses.state.terminated.exitCode',
  'status.initContainerStatuses.state.terminated.finishedAt',
];

/** Index function: the node that the pod is bound to. */
export function byNode({ spec }: Pod): readonly string[] {
  return spec?.nodeName ? [spec.nodeName] : [];
}
