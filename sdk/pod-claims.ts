import type { PersistentVolumeClaim } from './api/types-core-v1.ts';
import { controllerOf } from './ownership.ts';
import type { PodInfo } from './scheduler-info.ts';

/** A claim as a pod names it. */
export interface PodClaim {
  readonly name: string;
  /** Made for the pod, by the controller of ephemeral volumes. */
  readonly isEphemeral: boolean;
}

/** The claims of a pod's volumes. Most pods have none: then this is all that is done for them. */
export function podClaims({ spec, name: podName }: PodInfo): readonly PodClaim[] {
  const { volumes } = spec;
  let claims: PodClaim[] | undefined;
  for (let i = 0; volumes && i < volumes.length; i++) {
    const { persistentVolumeClaim, ephemeral, name } = volumes[i] as (typeof volumes)[number];
    if (!persistentVolumeClaim && !ephemeral) continue;
    claims ??= [];
    if (persistentVolumeClaim) {
      claims.push({ name: persistentVolumeClaim.claimName, isEphemeral: false });
    } else {
      claims.push({ name: `${podName}-${name}`, isEphemeral: true });
    }
  }
  return claims ?? NONE;
}

export function usesClaim(pod: PodInfo, { metadata }: PersistentVolumeClaim): boolean {
  if (pod.namespace !== metadata.namespace) return false;
  return podClaims(pod).some(({ name }) => name === metadata.name);
}

/** Why a claim by the name of a pod's ephemeral volume is not for it; undefined: it is. */
export function foreignClaim(pod: PodInfo, claim: PersistentVolumeClaim): string | undefined {
  if (controllerOf(claim)?.uid === pod.uid) return undefined;
  const { namespace, name } = claim.metadata;
  return `PVC ${namespace}/${name} was not created for pod ${pod.key} (pod is not owner)`;
}

const NONE: readonly PodClaim[] = [];
