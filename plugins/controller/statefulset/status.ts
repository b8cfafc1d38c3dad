import { isDeepStrictEqual } from 'node:util';
import type { Pod, StatefulSet, StatefulSetStatus } from 'kernetes/sdk';
import { isReady, isServing, isTerminating } from './health.ts';
import { replicasOf, revisionOf } from './identity.ts';

export interface StatusOptions {
  readonly pods: readonly Pod[];
  /** Of the pods those that were deleted just now. */
  readonly deleted: ReadonlySet<Pod>;
  /** Names of revisions. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly collisionCount: number;
  readonly now: number;
}

export function statusOf(set: StatefulSet, options: StatusOptions): StatefulSetStatus {
  const { pods, deleted, currentRevision, updateRevision, collisionCount, now } = options;
  const { generation } = set.metadata;
  const staying = pods.filter(pod => !isTerminating(pod) && !deleted.has(pod));
  const ofRevision = (name: string) => staying.filter(pod => revisionOf(pod) === name).length;
  const counted = {
    ...(generation !== undefined && { observedGeneration: generation }),
    replicas: pods.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter(pod => isServing(set, pod, now)).length,
    currentReplicas: ofRevision(currentRevision),
    updatedReplicas: ofRevision(updateRevision),
    currentRevision,
    updateRevision,
    collisionCount,
  };
  return isComplete(set, counted)
    ? { ...counted, currentReplicas: counted.updatedReplicas, currentRevision: updateRevision }
    : counted;
}

/** Zeros are left out by some servers, and mean the same. */
export function isSameStatus(a: StatefulSetStatus, b: StatefulSetStatus): boolean {
  return isDeepStrictEqual({ ...ZEROS, ...a }, { ...ZEROS, ...b });
}

const ZEROS = {
  replicas: 0,
  readyReplicas: 0,
  availableReplicas: 0,
  currentReplicas: 0,
  updatedReplicas: 0,
  collisionCount: 0,
};

/** All replicas are of the new revision, which then is the one that the set comes from. */
function isComplete(set: StatefulSet, status: StatefulSetStatus): boolean {
  if ((set.spec?.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return false;
  const { updatedReplicas, readyReplicas, replicas } = status;
  return [updatedReplicas, readyReplicas, replicas].every(count => count === replicasOf(set));
}
