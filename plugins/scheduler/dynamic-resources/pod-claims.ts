import {
  controllerOf,
  type PodInfo,
  type PodResourceClaim,
  type ResourceClaim,
} from 'kernetes/sdk';

/** On claims that are made of a template: which of the pod's they are for. */
const POD_CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name';

/** How a pod's claim is found: by its key, or as the one that was made for the pod. */
export function madeForKey(pod: PodInfo, { name }: PodResourceClaim): string {
  return `${pod.uid}/${name}`;
}

/** Index function: `<pod's uid>/<pod's name for it>` of claims that were made for a pod. */
export function madeFor(claim: ResourceClaim): readonly string[] {
  const name = claim.metadata.annotations?.[POD_CLAIM_ANNOTATION];
  const owner = controllerOf(claim);
  return name !== undefined && owner?.kind === 'Pod' ? [`${owner.uid}/${name}`] : [];
}

export function usesClaim(pod: PodInfo, claim: ResourceClaim): boolean {
  const { namespace, name } = claim.metadata;
  if (pod.namespace !== namespace) return false;
  const [made] = madeFor(claim);
  return (pod.spec.resourceClaims ?? []).some(
    each =>
      each.resourceClaimName === name || (made !== undefined && made === madeForKey(pod, each)),
  );
}

export function isReservedFor({ status }: ResourceClaim, pod: PodInfo): boolean {
  return status?.reservedFor?.some(({ uid }) => uid === pod.uid) ?? false;
}
