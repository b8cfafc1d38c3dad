import { isTolerated, type PodInfo, type Taint, type Toleration } from 'kernetes/sdk';

/** Whether a taint keeps the pod away from the node. */
export function isKeptOff({ spec }: PodInfo, taints: readonly Taint[]): boolean {
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule') continue;
    if (!isTolerated(taint, spec.tolerations)) return true;
  }
  return false;
}

/** How many taints would rather not have a pod with these tolerations. */
export function dislikes(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  let count = 0;
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations)) count++;
  }
  return count;
}
