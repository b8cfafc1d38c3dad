import {
  type ContainerStatus,
  controllerKey,
  controllerOf,
  formatKey,
  isPodFinished,
  Job,
  type JobSpec,
  type ObjectKey,
  type Pod,
  podCondition,
} from 'kernetes/sdk';

/** Holds a pod until it has been counted. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
export const INDEX = 'batch.kubernetes.io/job-completion-index';
export const FAILURES = 'batch.kubernetes.io/job-index-failure-count';
export const IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false;
}

/** Index function: for which Job a pod is held; those that nobody manages, of their namespace. */
export function trackedFor(pod: Pod): readonly string[] {
  if (!isTracked(pod)) return [];
  if (!controllerOf(pod)) return [formatKey(lostIn(pod.metadata.namespace))];
  const key = controllerKey(Job, pod);
  return key ? [formatKey(key)] : [];
}

/** Stands for the pods of a namespace that are held although nobody manages them. */
export function lostIn(namespace = ''): ObjectKey {
  return { namespace, name: LOST };
}

/** No Job has such a name. */
const LOST = ' lost';

export function isLost({ name }: ObjectKey): boolean {
  return name === LOST;
}

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[INDEX] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isPodFinished(pod);
}

/** A pod is replaced when it has failed, and not already when it is being deleted. */
export function replacesFailedOnly(spec: JobSpec): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

/** One that is deleted counts as failed: what no node runs never comes to the phase. */
export function isFailed(pod: Pod, spec: JobSpec): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return isTerminating(pod) && !replacesFailedOnly(spec);
}

/** How many pods of its index failed before it, as far as they count. */
export function failuresBefore(pod: Pod): number {
  return countIn(pod, FAILURES);
}

export function ignoredFailuresBefore(pod: Pod): number {
  return countIn(pod, IGNORED_FAILURES);
}

/** Whoever may write annotations may have written anything. */
function countIn({ metadata }: Pod, name: string): number {
  const count = Number(metadata.annotations?.[name] ?? 0);
  return Number.isInteger(count) && count >= 0 && count <= 2_147_483_647 ? count : 0;
}

/** When it ended, as far as one can tell; milliseconds. */
export function finishedAt(pod: Pod): number {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  const fromContainers = containersFinishedAt(pod);
  if (fromContainers !== undefined) return fromContainers;
  const ready = podCondition(pod, 'Ready');
  if (ready?.status === 'False' && ready.lastTransitionTime) {
    return Date.parse(ready.lastTransitionTime);
  }
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp ?? '') || 0;
}

/** Of the containers and the sidecars, which end last; undefined unless all have ended. */
function containersFinishedAt({ spec, status }: Pod): number | undefined {
  const sidecars = new Set(
    spec?.initContainers?.filter(c => c.restartPolicy === 'Always').map(({ name }) => name),
  );
  const initStatuses = status?.initContainerStatuses ?? [];
  const all: ContainerStatus[] = [
    ...(status?.containerStatuses ?? []),
    ...initStatuses.filter(({ name }) => sidecars.has(name)),
  ];
  const times = all.map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  if (times.length === 0 || times.some(Number.isNaN)) return undefined;
  return Math.max(...times);
}
