import {
  apiVersionOf,
  controllerReference,
  type Kind,
  type KubeObject,
  type OwnerReference,
  type PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from 'kernetes/sdk';

/**
 * The claims of pods, and who owns them: an owner's end ends them, so owners are how the retention
 * policy is carried out. On scaling down the pod owns its claims, otherwise the set or nobody.
 */

export function claimName(template: PersistentVolumeClaim, podName: string): string {
  return `${template.metadata.name}-${podName}`;
}

export function claimNames({ spec }: StatefulSet, podName: string): string[] {
  return (spec?.volumeClaimTemplates ?? []).map(template => claimName(template, podName));
}

/** The claims that a pod of the set wants, by the templates; the set owns them if it shall. */
export function newClaims(set: StatefulSet, podName: string): PersistentVolumeClaim[] {
  const { volumeClaimTemplates = [], selector } = set.spec ?? {};
  const owner = policyOf(set).whenDeleted === 'Delete' && controllerReference(StatefulSet, set);
  return volumeClaimTemplates.map(template => {
    const { labels, annotations, finalizers } = template.metadata;
    const allLabels = { ...labels, ...selector?.matchLabels };
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: claimName(template, podName),
        namespace: set.metadata.namespace ?? '',
        ...(Object.keys(allLabels).length > 0 && { labels: allLabels }),
        ...(annotations && { annotations }),
        ...(finalizers && { finalizers }),
        ...(owner && { ownerReferences: [owner] }),
      },
      ...(template.spec && { spec: template.spec }),
    };
  });
}

export interface ClaimUser {
  readonly set: StatefulSet;
  readonly pod: Pod;
  /** The set is scaled down below this pod. */
  readonly isCondemned: boolean;
}

/** The owners that the claim should have; undefined: those that it has. */
export function ownersOf(
  claim: PersistentVolumeClaim,
  user: ClaimUser,
): OwnerReference[] | undefined {
  const references = claim.metadata.ownerReferences ?? [];
  const isOurs = (each: OwnerReference) => isSetOf(each, user) || isPodOf(each, user);
  const ours = references.filter(isOurs);
  // Of an earlier set or pod with the name: the garbage collector's to deal with.
  if (ours.some(each => isStale(each, user))) return undefined;
  const wanted = hasForeignController(claim, user) ? undefined : wantedOwner(user);
  const isRight = wanted
    ? ours.length === 1 && ours[0]?.uid === wanted.uid && ours[0]?.controller === true
    : ours.length === 0;
  if (isRight) return undefined;
  return [...references.filter(each => !isOurs(each)), ...(wanted ? [wanted] : [])];
}

/** Somebody else manages the claim, so that the retention policy cannot hold. */
export function hasForeignController(claim: PersistentVolumeClaim, user: ClaimUser): boolean {
  const { whenDeleted, whenScaled } = policyOf(user.set);
  if (whenDeleted === 'Retain' && whenScaled === 'Retain') return false;
  return (claim.metadata.ownerReferences ?? []).some(
    each => each.controller && !isSetOf(each, user) && !isPodOf(each, user),
  );
}

/** Of a pod that was scaled away: it will go, and a new pod must not take it. */
export function isLeftOver(
  set: StatefulSet,
  podName: string,
  claim: PersistentVolumeClaim,
): boolean {
  if (policyOf(set).whenScaled === 'Retain') return false;
  return (claim.metadata.ownerReferences ?? []).some(each => refersTo(each, Pod, podName));
}

function policyOf({ spec }: StatefulSet): { whenDeleted: string; whenScaled: string } {
  return {
    whenDeleted: 'Retain',
    whenScaled: 'Retain',
    ...spec?.persistentVolumeClaimRetentionPolicy,
  };
}

function wantedOwner({ set, pod, isCondemned }: ClaimUser): OwnerReference | undefined {
  const { whenDeleted, whenScaled } = policyOf(set);
  if (isCondemned && whenScaled === 'Delete') return controllerReference(Pod, pod);
  return whenDeleted === 'Delete' ? controllerReference(StatefulSet, set) : undefined;
}

function isStale(reference: OwnerReference, { set, pod }: ClaimUser): boolean {
  return reference.uid !== set.metadata.uid && reference.uid !== pod.metadata.uid;
}

function isSetOf(reference: OwnerReference, { set }: ClaimUser): boolean {
  return refersTo(reference, StatefulSet, set.metadata.name);
}

function isPodOf(reference: OwnerReference, { pod }: ClaimUser): boolean {
  return refersTo(reference, Pod, pod.metadata.name);
}

function refersTo<T extends KubeObject>(
  { apiVersion, kind: kindName, name }: OwnerReference,
  kind: Kind<T>,
  wanted: string | undefined,
): boolean {
  return apiVersion === apiVersionOf(kind) && kindName === kind.kind && name === wanted;
}
