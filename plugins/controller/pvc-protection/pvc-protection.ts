import {
  ApiError,
  controllerOf,
  type ObjectKey,
  PersistentVolumeClaim,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
} from 'kernetes/sdk';

const FINALIZER = 'kubernetes.io/pvc-protection';

/** The claims that a pod's volumes name, or are made for. */
export function claimsOf({ spec, metadata }: Pod): Required<ObjectKey>[] {
  const { namespace = '' } = metadata;
  const keys: Required<ObjectKey>[] = [];
  for (const { name: volume, persistentVolumeClaim, ephemeral } of spec?.volumes ?? []) {
    if (persistentVolumeClaim) keys.push({ namespace, name: persistentVolumeClaim.claimName });
    else if (ephemeral) keys.push({ namespace, name: `${metadata.name}-${volume}` });
  }
  return keys;
}

export async function reconcileClaim(
  key: ObjectKey,
  context: ReconcileContext<PersistentVolumeClaim, unknown>,
): Promise<ReconcileResult> {
  const { object: claim, objects } = context;
  if (claim === undefined) return undefined;
  const { finalizers = [], resourceVersion, deletionTimestamp } = claim.metadata;
  const isHeld = finalizers.includes(FINALIZER);
  // Admission puts it on new ones; this is for those from before.
  const isToBeHeld = !deletionTimestamp || (isHeld && (await isUsed(claim, key, context)));
  if (isHeld === isToBeHeld) return undefined;
  const others = finalizers.filter(each => each !== FINALIZER);
  const wanted = isToBeHeld ? [...others, FINALIZER] : others;
  const patch = { metadata: { resourceVersion, finalizers: wanted.length > 0 ? wanted : null } };
  // Gone is as good.
  await objects.patch(PersistentVolumeClaim, key, patch).catch(ignoreNotFound);
  return undefined;
}

/**
 * The copy may not show a pod yet: only one that is as new as the claim's deletion, or the server's
 * word, lets a claim go.
 */
async function isUsed(
  claim: PersistentVolumeClaim,
  { namespace = '', name }: ObjectKey,
  { informer, objects }: ReconcileContext<PersistentVolumeClaim, unknown>,
): Promise<boolean> {
  const uses = (pod: Pod) => isUser(pod, claim);
  const pods = informer(Pod);
  if (pods.byIndex('claim', `${namespace}/${name}`).some(uses)) return true;
  const { resourceVersion = '0' } = claim.metadata;
  if (Number(pods.resourceVersion ?? -1) >= Number(resourceVersion)) return false;
  const { items } = await objects.list(Pod, { namespace });
  return items.some(uses);
}

/** A pod without a node gets none while its claim is being deleted, so it need not be waited for. */
function isUser(pod: Pod, claim: PersistentVolumeClaim): boolean {
  const { spec, metadata } = pod;
  if (!spec?.nodeName) return false;
  const isDone = metadata.deletionTimestamp && metadata.deletionGracePeriodSeconds === 0;
  return (spec.volumes ?? []).some(({ name: volume, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return persistentVolumeClaim.claimName === claim.metadata.name;
    if (!ephemeral || isDone || claim.metadata.name !== `${metadata.name}-${volume}`) return false;
    return controllerOf(claim)?.uid === metadata.uid;
  });
}

function ignoreNotFound(error: unknown): void {
  if (!ApiError.is(error, 'NotFound')) throw error;
}
