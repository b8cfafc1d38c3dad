import {
  controllerOf,
  type PersistentVolumeClaim,
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

export interface ClaimName {
  readonly name: string;
  /** Made for the pod, by the controller of ephemeral volumes. */
  readonly isEphemeral: boolean;
}

/** Most pods have none: then this is all that is done for them. */
export function podClaims({ spec, name: podName }: PodInfo): readonly ClaimName[] {
  const { volumes } = spec;
  let names: ClaimName[] | undefined;
  for (let i = 0; volumes && i < volumes.length; i++) {
    const { persistentVolumeClaim, ephemeral, name } = volumes[i] as (typeof volumes)[number];
    if (!persistentVolumeClaim && !ephemeral) continue;
    names ??= [];
    if (persistentVolumeClaim) {
      names.push({ name: persistentVolumeClaim.claimName, isEphemeral: false });
    } else {
      names.push({ name: `${podName}-${name}`, isEphemeral: true });
    }
  }
  return names ?? NONE;
}

/** Why the pod cannot use the claim, in upstream's words; undefined: it can. */
export function claimProblem(
  pod: PodInfo,
  { name, isEphemeral }: ClaimName,
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
  if (isEphemeral && controllerOf(claim)?.uid !== pod.uid) {
    const own = `${pod.namespace}/${name}`;
    return `PVC ${own} was not created for pod ${pod.key} (pod is not owner)`;
  }
  return undefined;
}

/** Both sides of the binding are written. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (
    Boolean(spec?.volumeName) &&
    metadata.annotations?.[VOLUME_ANNOTATIONS.bindCompleted] !== undefined
  );
}

const NONE: readonly ClaimName[] = [];
