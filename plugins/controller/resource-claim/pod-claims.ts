import {
  controllerOf,
  isPodFinished,
  type Pod,
  type PodResourceClaim,
  type ResourceClaim,
} from 'kernetes/sdk';

/** On claims that are made of a template: which of the pod's they are for. */
export const POD_CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name';
/** The devices of a claim are not given away as long as something may use them. */
export const CLAIM_FINALIZER = 'resource.kubernetes.io/delete-protection';
const RESERVED_FOR_MAX = 256;

export function usesClaims({ spec }: Pod): boolean {
  return (spec?.resourceClaims?.length ?? 0) > 0;
}

/**
 * The name of the claim; undefined: none is needed. '' for one that is to be made of a template,
 * and was not yet.
 */
export function claimNameOf({ status }: Pod, claim: PodResourceClaim): string | undefined {
  if (claim.resourceClaimName) return claim.resourceClaimName;
  const noted = status?.resourceClaimStatuses?.find(({ name }) => name === claim.name);
  return noted === undefined ? '' : noted.resourceClaimName;
}

/** Of the claims that a pod uses, as far as they have names. */
export function podClaimKeys(pod: Pod): readonly string[] {
  return (pod.spec?.resourceClaims ?? []).flatMap(claim => {
    const name = claimNameOf(pod, claim);
    return name ? [`${pod.metadata.namespace}/${name}`] : [];
  });
}

/** The uid of the pod that a claim was made for. */
export function ownedBy(claim: ResourceClaim): readonly string[] {
  const owner = controllerOf(claim);
  return owner?.kind === 'Pod' && owner.apiVersion === 'v1' ? [owner.uid] : [];
}

export function reservedFor({ status }: ResourceClaim): readonly string[] {
  return (status?.reservedFor ?? []).map(({ uid }) => uid);
}

/** Whether a pod may go on to use a claim that is allocated and not reserved for it. */
export function canReserve(pod: Pod, claim: ResourceClaim): boolean {
  const users = reservedFor(claim);
  return (
    claim.status?.allocation !== undefined &&
    !users.includes(pod.metadata.uid ?? '') &&
    users.length < RESERVED_FOR_MAX
  );
}

/** None of its containers runs or will. */
export function isPodDone(pod: Pod): boolean {
  const neverRuns = pod.metadata.deletionTimestamp && !pod.spec?.nodeName;
  return isPodFinished(pod) || Boolean(neverRuns);
}
