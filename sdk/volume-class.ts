import type { PersistentVolume, PersistentVolumeClaim } from './api/types-core-v1.ts';
import type { StorageClass } from './api/types-storage-v1.ts';

/** The annotations by which those who deal with volumes and claims speak to each other: upstream's. */
export const VOLUME_ANNOTATIONS = {
  /** On a claim: it has been bound once, so a missing volume is a lost one. */
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  /** On a volume or claim: its side of the binding was written by the controller, not by a user. */
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  /** On a volume: the provisioner that made it. */
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  /** On a claim: the provisioner that is to make its volume. */
  provisioner: 'volume.kubernetes.io/storage-provisioner',
  provisionerBeta: 'volume.beta.kubernetes.io/storage-provisioner',
  /** On a claim: the node that its pod will go to, said by the scheduler. */
  selectedNode: 'volume.kubernetes.io/selected-node',
  /** On either: its class, from the time before there was a field. */
  classBeta: 'volume.beta.kubernetes.io/storage-class',
} as const;

/** On a storage class: claims that name none get it. See `defaultClass`. */
export const DEFAULT_STORAGE_CLASS_ANNOTATIONS: readonly string[] = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** The name of the class that a volume or claim has; empty: none. */
export function storageClassOf({
  metadata,
  spec,
}: PersistentVolume | PersistentVolumeClaim): string {
  return metadata.annotations?.[VOLUME_ANNOTATIONS.classBeta] ?? spec?.storageClassName ?? '';
}

/** Whether a claim says anything about its class; naming none, by an empty name, counts. */
export function namesStorageClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (
    metadata.annotations?.[VOLUME_ANNOTATIONS.classBeta] !== undefined ||
    spec?.storageClassName !== undefined
  );
}

/** Claims of such a class are bound when a pod that uses them is scheduled. */
export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}
