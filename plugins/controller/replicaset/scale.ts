import {
  createPods,
  deletePods,
  type Expectations,
  Pod,
  type PodFailure,
  podFromTemplate,
  ReplicaSet,
} from 'kernetes/sdk';
import { rankForDeletion } from './rank.ts';
import type { Context } from './replicaset.ts';

export interface ScaleOptions {
  readonly context: Context;
  readonly expectations: Expectations<Pod>;
}

/** Makes the pods that are missing, or deletes those that are too many. */
export async function scale(
  set: ReplicaSet,
  pods: readonly Pod[],
  { context, expectations }: ScaleOptions,
): Promise<PodFailure | undefined> {
  const { objects, events } = context;
  const control = { objects, events, expectations };
  const missing = (set.spec?.replicas ?? 1) - pods.length;
  if (missing > 0) {
    const pod = podFromTemplate(ReplicaSet, set, set.spec?.template);
    return createPods(set, Array<Pod>(Math.min(missing, BURST_PODS_MAX)).fill(pod), control);
  }
  if (missing < 0) {
    // Those first that will be missed least.
    const ranked = rankForDeletion(pods, siblingsPerNode(set, context));
    return deletePods(set, ranked.slice(0, Math.min(-missing, BURST_PODS_MAX)), control);
  }
  return undefined;
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

/** Upstream's: so many in one go; the rest follows when the copy has caught up. */
const BURST_PODS_MAX = 500;
