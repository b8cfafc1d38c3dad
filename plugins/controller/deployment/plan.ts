import { type Deployment, type ReplicaSet, scaledValue } from 'kernetes/sdk';
import { DESIRED_REPLICAS, MAX_REPLICAS, numberAnnotation } from './annotations.ts';

/** Which sizes ReplicaSets should have: pure decisions, upstream's arithmetic. */

export interface Bounds {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** What a plan looks at. */
export interface Sets {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
}

export type Sizes = ReadonlyMap<ReplicaSet, number>;

/** A surge is rounded up, what may be missing is rounded down; but something must be able to move. */
export function boundsOf({ spec }: Deployment): Bounds {
  const replicas = spec?.replicas ?? 1;
  if (spec?.strategy?.type === 'Recreate') return { replicas, maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, true);
  const unavailable = scaledValue(maxUnavailable, replicas, false);
  const mayMissOne = surge === 0 && unavailable === 0;
  const most = Math.min(mayMissOne ? 1 : unavailable, replicas);
  return { replicas, maxSurge: surge, maxUnavailable: most };
}

/**
 * The next step of a rolling update: the new set grows as far as the surge allows, and the old ones
 * shrink, unavailable pods first, as far as enough pods stay available.
 */
export function planRollingUpdate(sets: Sets): {
  /** Also for a new set that does not exist yet. */
  readonly newSize: number;
  readonly sizes: Sizes;
} {
  const { newSet, oldSets, deployment } = sets;
  const bounds = boundsOf(deployment);
  const newSize = sizeOfNew(sets, bounds);
  const sizes = new Map<ReplicaSet, number>();
  if (newSet && newSize !== sizeOf(newSet)) sizes.set(newSet, newSize);
  const minAvailable = bounds.replicas - bounds.maxUnavailable;
  const newMissing = newSize - availableIn(newSet);
  const surplus = total(oldSets) + newSize - minAvailable - newMissing;
  if (surplus <= 0) return { newSize, sizes };

  let left = surplus;
  for (const set of oldSets) {
    const unhealthy = Math.min(left, sizeOf(set) - availableIn(set));
    if (unhealthy <= 0) continue;
    sizes.set(set, sizeOf(set) - unhealthy);
    left -= unhealthy;
  }
  const available = [...oldSets, newSet].reduce((sum, set) => sum + availableIn(set), 0);
  let spare = available - minAvailable;
  for (const set of oldSets) {
    const size = sizes.get(set) ?? sizeOf(set);
    const fewer = Math.min(spare, size);
    if (fewer <= 0) continue;
    sizes.set(set, size - fewer);
    spare -= fewer;
  }
  return { newSize, sizes };
}

/** All old sets go to nothing. */
export function planRecreate(oldSets: readonly ReplicaSet[]): Sizes {
  return new Map(oldSets.filter(set => sizeOf(set) > 0).map(set => [set, 0]));
}

/**
 * After `spec.replicas` changed: the one active set takes it; in the middle of a roll-out all
 * active sets share it in proportion to their sizes.
 */
export function planScale({ deployment, newSet, oldSets }: Sets): Sizes {
  const bounds = boundsOf(deployment);
  const active = [...oldSets, ...(newSet ? [newSet] : [])].filter(set => sizeOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? oldSets.at(-1);
    return new Map(only ? [[only, bounds.replicas]] : []);
  }
  const isRecreated = deployment.spec?.strategy?.type === 'Recreate';
  if (isRecreated || (newSet && isSaturated(newSet, bounds.replicas))) return planRecreate(oldSets);
  return proportionally(active, deployment, bounds);
}

export function sizeOf(set: ReplicaSet): number {
  return set.spec?.replicas ?? 1;
}

/** Its controller has seen its size, and tells how many pods it has since then. */
export function isObserved({ metadata, status }: ReplicaSet): boolean {
  return (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);
}

/** What it has, or is to have where that is more. */
function podsIn(set: ReplicaSet): number {
  return Math.max(sizeOf(set), set.status?.replicas ?? 0);
}

/** Those that it has in excess are as good as gone: its controller has only not come to it. */
function availableIn(set: ReplicaSet | undefined): number {
  return set ? Math.min(sizeOf(set), set.status?.availableReplicas ?? 0) : 0;
}

function total(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + sizeOf(set), 0);
}

function sizeOfNew({ newSet, oldSets }: Sets, { replicas, maxSurge }: Bounds): number {
  const size = newSet ? sizeOf(newSet) : 0;
  if (size >= replicas) return replicas;
  // What is told of a set that was resized since is of before: upstream does not ask for that either.
  if (!oldSets.every(isObserved)) return size;
  // Stricter than upstream, which counts what sets should have: pods that are still there count.
  const room = replicas + maxSurge - oldSets.reduce((sum, set) => sum + podsIn(set), 0) - size;
  return size + Math.max(0, Math.min(room, replicas - size));
}

/** The roll-out to it is over, by the replicas wanted now and when it was last scaled. */
function isSaturated(set: ReplicaSet, replicas: number): boolean {
  const desired = numberAnnotation(set, DESIRED_REPLICAS);
  return sizeOf(set) === replicas && desired === replicas && availableIn(set) === replicas;
}

function proportionally(
  active: readonly ReplicaSet[],
  deployment: Deployment,
  { replicas, maxSurge }: Bounds,
): Sizes {
  const allowed = replicas > 0 ? replicas + maxSurge : 0;
  const toAdd = allowed - total(active);
  // Larger ones first. Of equal ones the newer grows first, and the older shrinks first.
  const byAge = toAdd > 0 ? [...active].reverse() : [...active];
  const bySize = byAge.sort((a, b) => sizeOf(b) - sizeOf(a));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of bySize) {
    const share = shareOf(set, deployment, { replicas, allowed });
    const left = toAdd - added;
    const change = toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(set, sizeOf(set) + change);
    added += change;
  }
  // Rounding leaves something over: the largest takes it.
  const [largest] = bySize;
  if (largest) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  return sizes;
}

/** By how much the set grows to be as large a part as it was before the change. */
function shareOf(
  set: ReplicaSet,
  deployment: Deployment,
  { replicas, allowed }: { readonly replicas: number; readonly allowed: number },
): number {
  const size = sizeOf(set);
  if (replicas === 0) return -size;
  const before = numberAnnotation(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0;
  return before > 0 ? Math.round((size * allowed) / before) - size : 0;
}
