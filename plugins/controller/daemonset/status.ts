import { isDeepStrictEqual } from 'node:util';
import { type DaemonSetStatus, isPodReady } from 'kernetes/sdk';
import { isAvailable, isUpdated, type Snapshot } from './snapshot.ts';

export interface StatusOptions {
  readonly collisionCount: number;
  /** All that this generation of the set asks for was looked at. */
  readonly isObserved: boolean;
}

/** Counts nodes, not pods: of several on one node the oldest speaks for it. */
export function statusOf(
  snapshot: Snapshot,
  { collisionCount, isObserved }: StatusOptions,
): DaemonSetStatus {
  const { set, nodes, desired } = snapshot;
  const wanted = nodes.filter(({ shouldRun }) => shouldRun);
  const pods = wanted.flatMap(({ pods: [oldest] }) => oldest ?? []);
  const ready = pods.filter(isPodReady);
  const available = ready.filter(pod => isAvailable(snapshot, pod)).length;
  const updated = pods.filter(pod => isUpdated(snapshot, pod)).length;
  const { observedGeneration: before, conditions } = set.status ?? {};
  const observedGeneration = isObserved ? set.metadata.generation : before;
  return {
    desiredNumberScheduled: desired,
    currentNumberScheduled: pods.length,
    numberMisscheduled: nodes.filter(node => !node.shouldRun && node.pods.length > 0).length,
    numberReady: ready.length,
    ...(updated > 0 && { updatedNumberScheduled: updated }),
    ...(available > 0 && { numberAvailable: available }),
    ...(desired > available && { numberUnavailable: desired - available }),
    ...(collisionCount > 0 && { collisionCount }),
    ...(observedGeneration !== undefined && { observedGeneration }),
    ...(conditions && { conditions }),
  };
}

/** Zeros are left out by some servers, and mean the same. */
export function isSameStatus(a: DaemonSetStatus | undefined, b: DaemonSetStatus): boolean {
  return isDeepStrictEqual({ ...ZEROS, ...a }, { ...ZEROS, ...b });
}

const ZEROS: DaemonSetStatus = {
  desiredNumberScheduled: 0,
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  numberReady: 0,
  updatedNumberScheduled: 0,
  numberAvailable: 0,
  numberUnavailable: 0,
  collisionCount: 0,
  observedGeneration: 0,
};
