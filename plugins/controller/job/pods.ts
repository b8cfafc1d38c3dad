import {
  type ApiError,
  createPods,
  deletePods,
  isPodReady,
  type ObjectClient,
  Pod,
  type PodControl,
  patchRequest,
} from 'kernetes/sdk';
import type { Observed } from './observe.ts';
import type { PodPlan } from './scale.ts';
import { podsFor } from './template.ts';
import { isTracked, TRACKING_FINALIZER } from './tracked-pod.ts';

/** How many pods there are after something was done about them. */
export interface PodCounts {
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  /** Why it could not all be done. */
  readonly error?: ApiError | undefined;
}

/** Makes or removes pods. Those that are removed do not count as failed: they are let go first. */
export async function applyPlan(
  observed: Observed,
  { remove, create }: PodPlan,
  control: PodControl & { readonly owner: string },
): Promise<PodCounts> {
  const { job, active, ready, terminating } = observed;
  if (remove.length > 0) {
    const { released, error } = await releasePods(remove.filter(isTracked), control);
    const free = remove.filter(pod => !isTracked(pod) || released.has(pod.metadata.uid ?? ''));
    const counts = await deleteCounted(observed, free, control);
    return { ...counts, error: error ?? counts.error };
  }
  if (create.length === 0) return { active: active.length, ready, terminating };
  const failure = await createPods(job, podsFor(observed, create), control);
  const made = failure ? failure.done : create.length;
  return { active: active.length + made, ready, terminating, error: failure?.error };
}

/** Ends all pods that run. They are held still: as the Job ends, each is counted. */
export function removeActive(observed: Observed, control: PodControl): Promise<PodCounts> {
  return deleteCounted(observed, observed.active, control);
}

async function deleteCounted(
  { job, active, ready, terminating }: Observed,
  pods: readonly Pod[],
  control: PodControl,
): Promise<PodCounts> {
  const failure = pods.length > 0 ? await deletePods(job, pods, control) : undefined;
  const deleted = failure ? failure.done : pods.length;
  const deletedReady = failure ? 0 : pods.filter(isPodReady).length;
  return {
    active: active.length - deleted,
    ready: Math.min(ready - deletedReady, active.length - deleted),
    terminating: terminating + deleted,
    error: failure?.error,
  };
}

export interface Released {
  /** The uids of those that are held no more. */
  readonly released: ReadonlySet<string>;
  readonly error: ApiError | undefined;
}

/** Takes the finalizer away. One that is gone is not among the released: the copy is behind. */
export async function releasePods(
  pods: readonly Pod[],
  { objects, expectations, owner }: Pick<PodControl, 'objects' | 'expectations'> & Owned,
): Promise<Released> {
  const results = await objects.batch(pods.map(pod => releaseRequest(pod)));
  const released = new Set<string>();
  let error: ApiError | undefined;
  for (const [i, { metadata }] of pods.entries()) {
    const result = results[i];
    if (result?.ok) {
      released.add(metadata.uid ?? '');
      expectations.wrote(owner, result.object as Pod);
    } else if (result && result.error.reason !== 'NotFound') error ??= result.error;
  }
  return { released, error };
}

interface Owned {
  /** The owner's key. */
  readonly owner: string;
}

/** Lets pods go that no Job counts. One that was adopted meanwhile is refused: it has changed. */
export async function releaseStrays(pods: readonly Pod[], objects: ObjectClient): Promise<void> {
  const requests = pods.map(pod => releaseRequest(pod, pod.metadata.resourceVersion));
  for (const result of await objects.batch(requests)) {
    if (!result.ok && result.error.reason !== 'NotFound') throw result.error;
  }
}

function releaseRequest({ metadata }: Pod, resourceVersion?: string) {
  const { namespace = '', name = '', uid } = metadata;
  const change = {
    uid,
    ...(resourceVersion && { resourceVersion }),
    '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER],
  };
  const type = 'application/strategic-merge-patch+json';
  return patchRequest(Pod, { namespace, name }, { metadata: change }, { type });
}
