import {
  type ApiError,
  controllerReference,
  createRequest,
  deleteRequest,
  type Expectations,
  keyOf,
  Pod,
  ReplicaSet,
} from 'kernetes/sdk';
import { rankForDeletion } from './rank.ts';
import type { Context } from './replicaset.ts';

/** Why not all pods could be made or deleted. */
export interface ScaleFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: ApiError;
}

export interface ScaleOptions {
  readonly context: Context;
  readonly expectations: Expectations<Pod>;
}

/**
 * Creates `missing` pods, in batches of 1, 2, 4 …: what refuses the first (a quota, an admission
 * plugin) would refuse all, and is then asked once.
 */
export async function createPods(
  set: ReplicaSet,
  missing: number,
  options: ScaleOptions,
): Promise<ScaleFailure | undefined> {
  const pod = newPod(set);
  const wanted = Math.min(missing, BURST_PODS_MAX);
  let batch = 1;
  for (let created = 0; created < wanted; created += batch, batch *= 2) {
    const count = Math.min(batch, wanted - created);
    const failure = await createBatch(set, Array<Pod>(count).fill(pod), options);
    if (failure) return isNamespaceTerminating(failure.error) ? undefined : failure;
  }
  return undefined;
}

/** Deletes `surplus` of the pods, those first that will be missed least. */
export async function deletePods(
  set: ReplicaSet,
  pods: readonly Pod[],
  surplus: number,
  { context, expectations }: ScaleOptions,
): Promise<ScaleFailure | undefined> {
  const { objects, events } = context;
  const ranked = rankForDeletion(pods, siblingsPerNode(set, context));
  const chosen = ranked.slice(0, Math.min(surplus, BURST_PODS_MAX));
  const results = await objects.batch(
    chosen.map(({ metadata: { namespace = '', name = '', uid = '' } }) =>
      deleteRequest(Pod, { namespace, name }, { preconditions: { uid } }),
    ),
  );
  let failure: ScaleFailure | undefined;
  for (const [i, pod] of chosen.entries()) {
    const result = results[i];
    if (result?.ok === false && result.error.reason !== 'NotFound') {
      const message = `Error deleting: ${result.error.message}`;
      events.event(set, 'Warning', 'FailedDelete', message);
      failure ??= { reason: 'FailedDelete', error: result.error };
      continue;
    }
    expectations.deleted(keyOf(set), pod);
    events.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  return failure;
}

async function createBatch(
  set: ReplicaSet,
  pods: readonly Pod[],
  { context, expectations }: ScaleOptions,
): Promise<ScaleFailure | undefined> {
  const { objects, events } = context;
  const results = await objects.batch(pods.map(pod => createRequest(Pod, pod)));
  let failure: ScaleFailure | undefined;
  for (const result of results) {
    if (result.ok) {
      const pod = result.object as Pod;
      expectations.wrote(keyOf(set), pod);
      events.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      continue;
    }
    const { error } = result;
    failure ??= { reason: 'FailedCreate', error };
    if (isNamespaceTerminating(error)) continue;
    events.event(set, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
  }
  return failure;
}

function newPod(set: ReplicaSet): Pod {
  const { metadata, spec } = set.spec?.template ?? {};
  const { labels, annotations, finalizers } = metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace ?? '',
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(ReplicaSet, set)],
    },
    ...(spec && { spec }),
  };
}

/** How many pods of the same Deployment (or of this set alone) each node has. */
function siblingsPerNode(set: ReplicaSet, { informer }: Context): Map<string, number> {
  const owner = set.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
  const sets = owner ? informer(ReplicaSet).byIndex('controller', owner) : [set];
  const counts = new Map<string, number>();
  for (const { metadata } of sets) {
    for (const { spec } of informer(Pod).byIndex('controller', metadata.uid ?? '')) {
      if (spec?.nodeName) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
    }
  }
  return counts;
}

/** Nothing can be made there any more; that the set goes too is only a matter of time. */
function isNamespaceTerminating({ status }: ApiError): boolean {
  return status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

/** Upstream's: so many in one go; the rest follows when the copy has caught up. */
const BURST_PODS_MAX = 500;
