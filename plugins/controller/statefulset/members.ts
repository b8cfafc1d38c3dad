import type { PersistentVolumeClaim, Pod, StatefulSet } from 'kernetes/sdk';
import { isServing, isTerminating } from './health.ts';
import { firstOrdinal, ordinalOf, replicasOf, revisionOf } from './identity.ts';

/** Everything that a plan looks at. */
export interface Members {
  readonly set: StatefulSet;
  /**
   * By index, which is the ordinal less the first one; undefined: there is none yet. Where very many
   * are missing the last of these are left out.
   */
  readonly replicas: readonly (Pod | undefined)[];
  /** Those beside them that have an ordinal, the highest first. */
  readonly condemned: readonly Pod[];
  /** Names of revisions. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly now: number;
  /** By its name. */
  claim(name: string): PersistentVolumeClaim | undefined;
}

/** Puts the pods in their places. */
export function placesOf(
  set: StatefulSet,
  pods: readonly Pod[],
): Pick<Members, 'replicas' | 'condemned'> {
  const placed: { pod: Pod; index: number }[] = [];
  const condemned: { pod: Pod; ordinal: number }[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    const index = ordinal - firstOrdinal(set);
    if (index >= 0 && index < replicasOf(set)) placed.push({ pod, index });
    else condemned.push({ pod, ordinal });
  }
  const last = placed.reduce((most, { index }) => Math.max(most, index), -1);
  const length = Math.max(last + 1, placed.length + MISSING_MAX);
  const replicas: (Pod | undefined)[] = Array(Math.min(length, replicasOf(set))).fill(undefined);
  for (const { pod, index } of placed) replicas[index] = pod;
  condemned.sort((a, b) => b.ordinal - a.ordinal);
  return { replicas, condemned: condemned.map(({ pod }) => pod) };
}

/** Does not count as one of the replicas that work: missing, ending, or not available (yet). */
export function isUnavailable({ set, now }: Members, pod: Pod | undefined): boolean {
  return pod === undefined || isTerminating(pod) || !isServing(set, pod, now);
}

/** Replicas below it are not updated. */
export function partitionOf({ spec }: StatefulSet): number {
  return spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
}

/** The revision of which a pod is made now at this index. */
export function revisionAt(members: Members, index: number): string {
  const { set, currentRevision, updateRevision } = members;
  const { type = 'RollingUpdate', rollingUpdate } = set.spec?.updateStrategy ?? {};
  const updateMin = rollingUpdate
    ? partitionOf(set)
    : type === 'RollingUpdate'
      ? (set.status?.currentReplicas ?? 0)
      : 0;
  return index < updateMin ? currentRevision : updateRevision;
}

export function isUpdated({ updateRevision }: Members, pod: Pod): boolean {
  return revisionOf(pod) === updateRevision;
}

/** Upstream makes so many at a time; the rest follows when these have been seen. */
const MISSING_MAX = 500;
