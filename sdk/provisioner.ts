import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeSpec,
} from './api/types-core-v1.ts';
import type { StorageClass } from './api/types-storage-v1.ts';
import { definePoint } from './extension.ts';
import type { StringMap } from './kind.ts';

/**
 * What makes volumes for claims of its storage classes, and takes them away again. Called by the
 * controllers that bind and expand; it touches no objects itself. A rejection is told to the user
 * by an event, and tried again later; so every call must come to the same end when it is repeated,
 * also after a crash in the middle.
 */
export interface Provisioner {
  /** What classes name as their `provisioner`: `kernetes.dev/local`. */
  readonly name: string;
  /**
   * Makes room for a volume of this name, or finds that it has. The caller makes the object of it,
   * with the claim's size and access modes, the class's reclaim policy and mount options.
   */
  provision(request: ProvisionRequest): ProvisionedVolume | Promise<ProvisionedVolume>;
  /** Takes away what `provision` made. What is gone already is no error. */
  delete(volume: PersistentVolume): void | Promise<void>;
  /**
   * Enlarges the volume to `size` (a quantity), or finds that it is so large. Absent: its volumes
   * do not grow.
   */
  expand?(volume: PersistentVolume, size: string): ExpandedVolume | Promise<ExpandedVolume>;
}

export interface ProvisionRequest {
  /** `pvc-<uid of the claim>` */
  readonly volumeName: string;
  readonly claim: PersistentVolumeClaim;
  readonly storageClass: StorageClass;
  /** Where the claim's first pod will run, if the class waits for one. */
  readonly selectedNode?: { readonly name: string; readonly labels: Readonly<StringMap> };
}

export interface ProvisionedVolume {
  /** The source (`local`, `hostPath`, `csi`, …) and, where not every node has it, nodeAffinity. */
  readonly spec: PersistentVolumeSpec;
  readonly labels?: Readonly<StringMap>;
  readonly annotations?: Readonly<StringMap>;
}

export interface ExpandedVolume {
  /** The node must still enlarge the file system in it. */
  readonly nodeExpansionRequired: boolean;
}

/** Of two of the same name the first in the profile counts. */
export const provisionerPoint = definePoint<Provisioner>({
  name: 'provisioner',
  combine: 'unique',
  methods: ['provision', 'delete', 'expand'],
});
