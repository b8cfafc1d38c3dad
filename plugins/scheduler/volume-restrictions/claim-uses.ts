import {
  type ClusterTracker,
  type Lister,
  type PersistentVolumeClaim,
  type PodClaim,
  type PodInfo,
  podClaims,
  type Refusal,
  type Volume,
  verdict,
} from 'kernetes/sdk';
import { exclusiveDisks, hasConflict } from './disk-conflict.ts';

/** What a pod shares with nobody. */
export interface OwnClaims {
  /** Names of its claims with the access mode ReadWriteOncePod. */
  readonly names: ReadonlySet<string>;
  /** How many volumes of pods on nodes are of these. */
  uses: number;
  readonly disks: readonly Volume[];
}

/** How many volumes of pods on nodes are of which claim. */
export class ClaimUses implements ClusterTracker {
  /** By namespace and name; what nobody uses is not in it. */
  readonly #volumes = new Map<string, number>();

  /** To be told of everything anew. */
  cleared(): this {
    this.#volumes.clear();
    return this;
  }

  podAdded(pod: PodInfo): void {
    for (const { name } of podClaims(pod)) {
      const key = `${pod.namespace}/${name}`;
      this.#volumes.set(key, (this.#volumes.get(key) ?? 0) + 1);
    }
  }

  podRemoved(pod: PodInfo): void {
    for (const { name } of podClaims(pod)) {
      const key = `${pod.namespace}/${name}`;
      const left = (this.#volumes.get(key) ?? 0) - 1;
      if (left > 0) this.#volumes.set(key, left);
      else this.#volumes.delete(key);
    }
  }

  /** Or why no node will do. */
  exclusiveClaimsOf(
    pod: PodInfo,
    claims: readonly PodClaim[],
    known: Lister<PersistentVolumeClaim>,
  ): OwnClaims | Refusal {
    if (claims.length === 0) return NO_CLAIMS;
    const names = new Set<string>();
    let uses = 0;
    for (const { name, isEphemeral } of claims) {
      if (isEphemeral) continue;
      const key = `${pod.namespace}/${name}`;
      const claim = known.get(key);
      if (claim === undefined) {
        return verdict.unresolvable(`persistentvolumeclaim "${name}" not found`);
      }
      if (names.has(name) || !claim.spec?.accessModes?.includes('ReadWriteOncePod')) continue;
      names.add(name);
      uses += this.#volumes.get(key) ?? 0;
    }
    return { names, uses, disks: [] };
  }

  /** Whether `gone` had what a refused pod may have waited for. */
  mayFree(pod: PodInfo, gone: PodInfo): boolean {
    if (hasConflict(exclusiveDisks(pod), [gone])) return true;
    if (gone.namespace !== pod.namespace) return false;
    const freed = new Set(podClaims(gone).map(({ name }) => name));
    return podClaims(pod).some(({ name }) => freed.has(name));
  }
}

export function isExclusivelyUsed({ uses }: OwnClaims): boolean {
  return uses > 0;
}

/** As if `other` ran as well, or no longer. */
export function addUses(own: OwnClaims, pod: PodInfo, other: PodInfo, times: number): void {
  if (other.namespace !== pod.namespace) return;
  for (const { name } of podClaims(other)) if (own.names.has(name)) own.uses += times;
}

const NO_CLAIMS: OwnClaims = Object.freeze({ names: new Set<string>(), uses: 0, disks: [] });
