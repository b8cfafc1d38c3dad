import { isPodReady, msUntilAvailable, type Pod, type StatefulSet } from 'kernetes/sdk';

export function isReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isPodReady(pod);
}

export function isTerminating({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Ready for long enough; one that ends serves still. */
export function isServing({ spec }: StatefulSet, pod: Pod, now: number): boolean {
  return isReady(pod) && msUntilAvailable(pod, spec?.minReadySeconds ?? 0, now) === 0;
}
