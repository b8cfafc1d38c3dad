import { isDeepStrictEqual } from 'node:util';
import {
  Deployment,
  type DeploymentCondition,
  type DeploymentStatus,
  type ReplicaSet,
} from 'kernetes/sdk';
import { removeCondition, replaceCondition, setCondition } from './conditions.ts';
import type { Rollout } from './deployment.ts';
import { boundsOf, sizeOf } from './plan.ts';

/** Counts, and whether enough is available. Progress stays as it was. */
export function statusOf(rollout: Rollout): DeploymentStatus {
  const { deployment, newSet, oldSets, context } = rollout;
  const sets = newSet ? [...oldSets, newSet] : oldSets;
  const replicas = sum(sets, set => set.status?.replicas);
  const availableReplicas = sum(sets, set => set.status?.availableReplicas);
  const { generation } = deployment.metadata;
  const { collisionCount, conditions = [] } = deployment.status ?? {};
  const bounds = boundsOf(deployment);
  const isAvailable = availableReplicas >= bounds.replicas - bounds.maxUnavailable;
  return {
    ...(generation !== undefined && { observedGeneration: generation }),
    ...(collisionCount !== undefined && { collisionCount }),
    replicas,
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, set => set.status?.readyReplicas),
    availableReplicas,
    // Of those that the sets should have: pods that are not made yet are missing, too.
    unavailableReplicas: Math.max(0, sum(sets, sizeOf) - availableReplicas),
    terminatingReplicas: sum(sets, set => set.status?.terminatingReplicas),
    conditions: setCondition(
      conditions,
      isAvailable ? AVAILABLE : UNAVAILABLE,
      context.clock.now(),
    ),
  };
}

/** The same, and how the roll-out goes. */
export function progressOf(rollout: Rollout): DeploymentStatus {
  const { deployment, context } = rollout;
  const status = statusOf(rollout);
  const conditions = withFailure(status.conditions ?? [], rollout);
  if (deadlineMs(deployment) === undefined) {
    return { ...status, conditions: removeCondition(conditions, 'Progressing') };
  }
  const current = progressing(conditions);
  const wasComplete =
    status.replicas === status.updatedReplicas && current?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return { ...status, conditions };
  const now = context.clock.now();
  const subject = rollout.newSet
    ? `ReplicaSet "${rollout.newSet.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  const tell = (truth: string, reason: string, what: string) => ({
    ...{ type: 'Progressing', status: truth, reason, message: `${subject} ${what}.` },
  });
  if (isComplete(deployment, status)) {
    const told = tell('True', 'NewReplicaSetAvailable', 'has successfully progressed');
    return { ...status, conditions: setCondition(conditions, told, now) };
  }
  if (isProgress(deployment.status ?? {}, status)) {
    const told = tell('True', 'ReplicaSetUpdated', 'is progressing');
    return { ...status, conditions: replaceCondition(conditions, told, now) };
  }
  if (isTimedOut(deployment, current, now)) {
    const told = tell('False', 'ProgressDeadlineExceeded', 'has timed out progressing');
    return { ...status, conditions: setCondition(conditions, told, now) };
  }
  return { ...status, conditions };
}

/** The roll-out is over. */
export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  const { replicas = 1 } = spec ?? {};
  return (
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

/** When to look again for a missed deadline; undefined: there is none to miss. */
export function msUntilDeadline(
  deployment: Deployment,
  status: DeploymentStatus,
  now: number,
): number | undefined {
  const deadline = deadlineMs(deployment);
  const current = progressing(status.conditions ?? []);
  if (deadline === undefined || !current || isComplete(deployment, status)) return undefined;
  // A roll-out that was over once is not missed any more: pods come and go.
  const { reason = '' } = current;
  if (['ProgressDeadlineExceeded', 'NewReplicaSetAvailable'].includes(reason)) return undefined;
  // Times on objects are whole seconds: one more, so that it has surely passed.
  return Math.max(0, Date.parse(current.lastUpdateTime ?? '') + deadline - now) + 1000;
}

/** Does nothing when the status says so already. */
export async function writeStatus(rollout: Rollout, status: DeploymentStatus): Promise<void> {
  const { context, deployment } = rollout;
  const stored = context.object?.status;
  if (stored && isDeepStrictEqual({ ...ZEROS, ...stored }, { ...ZEROS, ...status })) return;
  await context.objects.updateStatus(Deployment, { ...deployment, status });
}

/** Zeros are left out by some servers, and mean the same. */
const ZEROS = {
  replicas: 0,
  updatedReplicas: 0,
  readyReplicas: 0,
  availableReplicas: 0,
  unavailableReplicas: 0,
  terminatingReplicas: 0,
};

const AVAILABLE = {
  type: 'Available',
  status: 'True',
  reason: 'MinimumReplicasAvailable',
  message: 'Deployment has minimum availability.',
};

const UNAVAILABLE = {
  type: 'Available',
  status: 'False',
  reason: 'MinimumReplicasUnavailable',
  message: 'Deployment does not have minimum availability.',
};

function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number {
  return sets.reduce((total, set) => total + (count(set) ?? 0), 0);
}

function progressing(conditions: readonly DeploymentCondition[]): DeploymentCondition | undefined {
  return conditions.find(({ type }) => type === 'Progressing');
}

/** Undefined: progress is not watched. */
export function deadlineMs({ spec }: Deployment): number | undefined {
  const seconds = spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds === NO_DEADLINE ? undefined : seconds * 1000;
}

/** The largest int32 stands for "never". */
const NO_DEADLINE = 2 ** 31 - 1;

function isProgress(old: DeploymentStatus, status: DeploymentStatus): boolean {
  const { updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0, replicas = 0 } = old;
  const outdated = (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (status.updatedReplicas ?? 0) > updatedReplicas ||
    outdated < replicas - updatedReplicas ||
    (status.readyReplicas ?? 0) > readyReplicas ||
    (status.availableReplicas ?? 0) > availableReplicas
  );
}

function isTimedOut(
  deployment: Deployment,
  current: DeploymentCondition | undefined,
  now: number,
): boolean {
  const deadline = deadlineMs(deployment);
  if (deadline === undefined || !current || current.reason === 'NewReplicaSetAvailable')
    return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(current.lastUpdateTime ?? '') + deadline < now;
}

/** That pods cannot be made or deleted is told on the Deployment too, the new set's word first. */
function withFailure(
  conditions: readonly DeploymentCondition[],
  { newSet, oldSets, context }: Rollout,
): DeploymentCondition[] {
  for (const set of newSet ? [newSet, ...oldSets] : oldSets) {
    const failure = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (!failure) continue;
    const { type, status, reason = '', message = '' } = failure;
    return setCondition(conditions, { type, status, reason, message }, context.clock.now());
  }
  return removeCondition(conditions, 'ReplicaFailure');
}
