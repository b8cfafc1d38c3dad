import { Pod } from '../api/types-core-v1.ts';
import type { ReconcileContext } from '../controller.ts';
import type { Expectations } from '../expectations.ts';
import type { Kind } from '../kind.ts';
import { controllerOf } from '../ownership.ts';
import { createPods, deletePods, type PodFailure, podFromTemplate } from '../pod-control.ts';
import { isPodActive } from '../pod-status.ts';
import { rankForDeletion } from './rank.ts';
import type { ReplicaOwner } from './replicas.ts';

export interface ScaleOptions<T extends ReplicaOwner> {
  readonly kind: Kind<T>;
  readonly context: ReconcileContext<T, unknown>;
  readonly expectations: Expectations<Pod>;
}

/** Makes the pods that are missing, or deletes those that are too many. */
export async function scale<T extends ReplicaOwner>(
  owner: T,
  pods: readonly Pod[],
  { kind, context, expectations }: ScaleOptions<T>,
): Promise<PodFailure | undefined> {
  const { objects, events } = context;
  const control = { objects, events, expectations };
  const missing = (owner.spec?.replicas ?? 1) - pods.length;
  if (missing > 0) {
    const pod = podFromTemplate(kind, owner, owner.spec?.template);
    return createPods(owner, Array<Pod>(Math.min(missing, BURST_PODS_MAX)).fill(pod), control);
  }
  if (missing < 0) {
    const ranked = rankForDeletion(pods, {
      now: context.clock.now(),
      perNode: siblingsPerNode(owner, kind, context),
    });
    return deletePods(owner, ranked.slice(0, Math.min(-missing, BURST_PODS_MAX)), control);
  }
  return undefined;
}

/**
 * How many active pods of the owner and its siblings each node has: of the same Deployment, that is,
 * or of the owner alone.
 */
function siblingsPerNode<T extends ReplicaOwner>(
  owner: T,
  kind: Kind<T>,
  { informer }: ReconcileContext<T, unknown>,
): Map<string, number> {
  const uid = controllerOf(owner)?.uid;
  const siblings = uid ? informer(kind).byIndex('controller', uid) : [owner];
  const counts = new Map<string, number>();
  for (const { metadata } of siblings) {
    const pods = informer(Pod).byIndex('controller', metadata.uid ?? '');
    for (const { spec } of pods.filter(isPodActive)) {
      if (spec?.nodeName) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
    }
  }
  return counts;
}

/** Upstream's: so many in one go; the rest follows when the copy has caught up. */
const BURST_PODS_MAX = 500;
