import {
  ApiError,
  createRequest,
  joinErrors,
  keyOf,
  PersistentVolumeClaim,
  type Pod,
  parseKey,
  type StatefulSet,
} from 'kernetes/sdk';
import { type ClaimUser, claimNames, hasForeignController, newClaims, ownersOf } from './claims.ts';
import type { Context } from './stateful-set.ts';

/** Makes the claims of a pod that are not there. Rejects when it cannot have all of them. */
export async function createClaims(
  set: StatefulSet,
  podName: string,
  context: Context,
): Promise<void> {
  const copies = context.informer(PersistentVolumeClaim);
  const wanted = newClaims(set, podName);
  const missing = wanted.filter(claim => !copies.get(keyOf(claim)));
  const failures = wanted
    .filter(claim => copies.get(keyOf(claim))?.metadata.deletionTimestamp)
    .map(({ metadata }) => `pvc ${metadata.name} is being deleted`);
  const results = await context.objects.batch(
    missing.map(claim => createRequest(PersistentVolumeClaim, claim)),
  );
  for (const [i, { metadata }] of missing.entries()) {
    const result = results[i];
    const name = metadata.name ?? '';
    // The copy may lag: a claim that is there is as good.
    if (result?.ok === false && ApiError.is(result.error, 'AlreadyExists')) continue;
    const error = result?.ok === false ? result.error : undefined;
    if (error) failures.push(`failed to create PVC ${name}: ${error.message}`);
    const message = error
      ? `create Claim ${name} for Pod ${podName} in StatefulSet ${set.metadata.name} failed error: ${error.message}`
      : `create Claim ${name} Pod ${podName} in StatefulSet ${set.metadata.name} success`;
    const [type, reason] = error ? (['Warning', 'FailedCreate'] as const) : CREATED;
    context.events.event(set, type, reason, message);
  }
  if (failures.length > 0) throw new Error(joinErrors(failures));
}

/** Gives the claims of a pod, as far as they are there, the owners that the policy wants. */
export async function setOwners(user: ClaimUser, context: Context): Promise<void> {
  const { set, pod } = user;
  for (const claim of claimsOf(set, pod, context)) {
    if (hasForeignController(claim, user)) tellForeign(set, claim, context);
    const owners = ownersOf(claim, user);
    if (!owners) continue;
    const { uid, resourceVersion } = claim.metadata;
    const ownerReferences = owners.length > 0 ? owners : null;
    const patch = { metadata: { uid, resourceVersion, ownerReferences } };
    await context.objects.patch(PersistentVolumeClaim, parseKey(keyOf(claim)), patch);
  }
}

function claimsOf(set: StatefulSet, pod: Pod, context: Context): PersistentVolumeClaim[] {
  const { namespace = '', name = '' } = pod.metadata;
  const copies = context.informer(PersistentVolumeClaim);
  return claimNames(set, name).flatMap(claim => copies.get(`${namespace}/${claim}`) ?? []);
}

function tellForeign(set: StatefulSet, { metadata }: PersistentVolumeClaim, context: Context) {
  const message =
    `PersistentVolumeClaim ${metadata.name} has a conflicting OwnerReference that acts as a ` +
    'manging controller, the retention policy is ignored for this claim';
  context.events.event(set, 'Warning', 'ConflictingController', message);
}

const CREATED = ['Normal', 'SuccessfulCreate'] as const;
