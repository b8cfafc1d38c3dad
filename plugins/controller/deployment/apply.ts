import {
  type BatchResult,
  deleteRequest,
  type ObjectRequest,
  patchRequest,
  ReplicaSet,
} from 'kernetes/sdk';
import { DESIRED_REPLICAS, MAX_REPLICAS, numberAnnotation, revisionOf } from './annotations.ts';
import type { Rollout } from './deployment.ts';
import { boundsOf, isObserved, type Sizes, sizeOf } from './plan.ts';

/** `spec.replicas` has changed since an active set was last scaled. */
export function hasStaleScale({ deployment, newSet, oldSets }: Rollout): boolean {
  const { replicas } = boundsOf(deployment);
  return [...oldSets, ...(newSet ? [newSet] : [])].some(set => {
    const desired = numberAnnotation(set, DESIRED_REPLICAS);
    return sizeOf(set) > 0 && desired !== undefined && desired !== replicas;
  });
}

/** Gives sets other sizes, all in one batch. Returns the roll-out with the sets as they now are. */
export async function resize(rollout: Rollout, sizes: Sizes): Promise<Rollout> {
  const { deployment, context } = rollout;
  const { replicas, maxSurge } = boundsOf(deployment);
  const annotations = {
    [DESIRED_REPLICAS]: String(replicas),
    [MAX_REPLICAS]: String(replicas + maxSurge),
  };
  const changes = [...sizes].filter(
    ([set, size]) => size !== sizeOf(set) || !hasAnnotations(set, annotations),
  );
  if (changes.length === 0) return rollout;
  const results = await context.objects.batch(
    changes.map(([set, size]) => resizeRequest(set, size, annotations)),
  );
  const resized = new Map<ReplicaSet, ReplicaSet>();
  for (const [i, [set, size]] of changes.entries()) {
    if (results[i]?.ok) tell(rollout, set, size);
  }
  for (const [i, [set]] of changes.entries()) resized.set(set, objectOf(results[i]));
  const { newSet, oldSets } = rollout;
  return {
    ...rollout,
    newSet: newSet && (resized.get(newSet) ?? newSet),
    oldSets: oldSets.map(set => resized.get(set) ?? set),
  };
}

/** Deletes what is over `revisionHistoryLimit` of the sets that have no pods, lowest revision first. */
export async function deleteOldRevisions({ deployment, oldSets, context }: Rollout): Promise<void> {
  const limit = deployment.spec?.revisionHistoryLimit;
  if (limit === undefined) return;
  const alive = oldSets.filter(({ metadata }) => !metadata.deletionTimestamp);
  const byRevision = alive.sort((a, b) => revisionOf(a) - revisionOf(b));
  const surplus = byRevision.slice(0, Math.max(0, alive.length - limit));
  const requests = surplus.filter(isEmpty).map(deleteSet);
  if (requests.length === 0) return;
  for (const result of await context.objects.batch(requests)) {
    if (!result.ok && result.error.reason !== 'NotFound') throw result.error;
  }
}

function hasAnnotations(set: ReplicaSet, annotations: Record<string, string>): boolean {
  return Object.entries(annotations).every(
    ([name, value]) => set.metadata.annotations?.[name] === value,
  );
}

/** Only if the set is still as it was when the size was decided. */
function resizeRequest(
  set: ReplicaSet,
  size: number,
  annotations: Record<string, string>,
): ObjectRequest {
  const { namespace = '', name = '', resourceVersion } = set.metadata;
  const patch = { metadata: { resourceVersion, annotations }, spec: { replicas: size } };
  return patchRequest(ReplicaSet, { namespace, name }, patch);
}

function objectOf(result: BatchResult | undefined): ReplicaSet {
  if (!result) throw new Error('Cannot resize: a request of the batch was not answered');
  if (!result.ok) throw result.error;
  return result.object as ReplicaSet;
}

function tell({ deployment, context }: Rollout, set: ReplicaSet, size: number): void {
  const old = sizeOf(set);
  if (size === old) return;
  const direction = size > old ? 'up' : 'down';
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${old} to ${size}`;
  context.events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
}

function isEmpty(set: ReplicaSet): boolean {
  return sizeOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && isObserved(set);
}

function deleteSet({ metadata }: ReplicaSet): ObjectRequest {
  const { namespace = '', name = '', uid = '' } = metadata;
  return deleteRequest(ReplicaSet, { namespace, name }, { preconditions: { uid } });
}
