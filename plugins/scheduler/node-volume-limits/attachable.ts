import type { PodInfo, Volume } from 'kernetes/sdk';
import { hasInTreeSource } from './in-tree.ts';

/** A volume of a CSI driver. */
export interface Attachable {
  readonly driver: string;
  /** Equal for the same volume. */
  readonly id: string;
  /** Counts only on nodes whose driver took this type over. */
  readonly inTree?: string;
}

/** Whether a pod has volumes that may be a CSI driver's. */
export function countsAgainstLimits({ spec }: PodInfo): boolean {
  const { volumes } = spec;
  for (let i = 0; volumes && i < volumes.length; i++) {
    const volume = volumes[i] as Volume;
    if (volume.persistentVolumeClaim || volume.ephemeral || hasInTreeSource(volume)) return true;
  }
  return false;
}
