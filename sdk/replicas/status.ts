import { isDeepStrictEqual } from 'node:util';
import type { ReplicaSetCondition, ReplicaSetStatus } from '../api/types-apps-v1.ts';
import type { Pod } from '../api/types-core-v1.ts';
import { toTime } from '../clock.ts';
import type { PodFailure } from '../pod-control.ts';
import { isPodReady, msUntilAvailable } from '../pod-status.ts';
import { selectorFromSet } from '../selector.ts';
import type { ReplicaOwner } from './replicas.ts';

export interface StatusOptions {
  readonly now: number;
  /** How the attempt to scale went; absent: there was none, and the condition stays. */
  readonly attempt: { readonly failure: PodFailure | undefined } | undefined;
  /** How many more are being deleted; absent: the status does not say. */
  readonly terminating?: number;
}

/** What the owner's status should be, given its active pods. */
export function statusOf(
  { spec, status, metadata: { generation } }: ReplicaOwner,
  pods: readonly Pod[],
  { now, attempt, terminating }: StatusOptions,
): ReplicaSetStatus {
  const { minReadySeconds = 0, template } = spec ?? {};
  const labelled = selectorFromSet(template?.metadata?.labels ?? {});
  const old = status?.conditions ?? [];
  const conditions = attempt ? withFailure(old, attempt.failure, now) : old;
  // What the copy does not show yet was not dealt with, and the counts are of before.
  const observed = attempt ? generation : status?.observedGeneration;
  return {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter(pod => labelled.matches(pod.metadata.labels)).length,
    readyReplicas: pods.filter(isPodReady).length,
    availableReplicas: pods.filter(pod => msUntilAvailable(pod, minReadySeconds, now) === 0).length,
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    ...(observed !== undefined && { observedGeneration: observed }),
    ...(conditions.length > 0 && { conditions: [...conditions] }),
  };
}

/** Zeros are left out by some servers, and mean the same. */
export function isSameStatus(a: ReplicaSetStatus, b: ReplicaSetStatus): boolean {
  return isDeepStrictEqual({ ...ZEROS, ...a }, { ...ZEROS, ...b });
}

const ZEROS = {
  replicas: 0,
  fullyLabeledReplicas: 0,
  readyReplicas: 0,
  availableReplicas: 0,
  terminatingReplicas: 0,
  observedGeneration: 0,
  conditions: [],
};

function withFailure(
  conditions: readonly ReplicaSetCondition[],
  failure: PodFailure | undefined,
  now: number,
): readonly ReplicaSetCondition[] {
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (!failure) return others;
  const old = conditions.find(({ type }) => type === 'ReplicaFailure');
  const { reason, error } = failure;
  if (old?.status === 'True' && old.reason === reason) return conditions;
  const condition = { type: 'ReplicaFailure', status: 'True', reason, message: error.message };
  return [...others, { ...condition, lastTransitionTime: toTime(now) }];
}
