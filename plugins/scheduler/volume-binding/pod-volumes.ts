import {
  foreignClaim,
  type PersistentVolumeClaim,
  type PodClaim,
  type PodInfo,
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';

/** The claims of a pod, as far as its node depends on them. */
export interface PodVolumes {
  /** Their volume is settled, and says where it can be used. */
  readonly bound: readonly PersistentVolumeClaim[];
  /** Of classes that wait for a node; the smallest first. */
  readonly waiting: readonly PersistentVolumeClaim[];
}

/** Why the pod cannot use the claim, in upstream's words; undefined: it can. */
export function claimProblem(
  pod: PodInfo,
  { name, isEphemeral }: PodClaim,
  claim: PersistentVolumeClaim | undefined,
): string | undefined {
  if (claim === undefined) {
    return isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  if (claim.status?.phase === 'Lost') {
    const volume = claim.spec?.volumeName ?? '';
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volume}"`;
  }
  if (claim.metadata.deletionTimestamp) {
    return `persistentvolumeclaim "${name}" is being deleted`;
  }
  return isEphemeral ? foreignClaim(pod, claim) : undefined;
}

/** Both sides of the binding are written. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (
    Boolean(spec?.volumeName) &&
    metadata.annotations?.[VOLUME_ANNOTATIONS.bindCompleted] !== undefined
  );
}
