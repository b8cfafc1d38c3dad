import type {
  DownwardAPIVolumeFile,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  ProjectedVolumeSource,
  Volume,
} from '../api/types-core-v1.ts';
import { isFloatingImage } from './image.ts';

/** Fills in what upstream's v1 fills into a pod's volume, in place. */
export function defaultVolume(volume: Volume): void {
  const { secret, configMap, downwardAPI, projected, ephemeral, image, scaleIO, rbd } = volume;
  // A volume that names no source is an emptyDir.
  if (Object.entries(volume).every(([key, value]) => key === 'name' || value === undefined)) {
    volume.emptyDir = {};
  }
  if (secret) secret.defaultMode ??= FILE_MODE;
  if (configMap) configMap.defaultMode ??= FILE_MODE;
  if (downwardAPI) {
    downwardAPI.defaultMode ??= FILE_MODE;
    defaultDownwardItems(downwardAPI.items);
  }
  if (projected) defaultProjected(projected);
  defaultSharedSource(volume);
  if (rbd) rbd.keyring ||= '/etc/ceph/keyring';
  if (scaleIO) scaleIO.fsType ||= 'xfs';
  if (image) {
    image.pullPolicy ||= isFloatingImage(image.reference ?? '') ? 'Always' : 'IfNotPresent';
  }
  const template = ephemeral?.volumeClaimTemplate;
  if (template) {
    template.metadata ??= {};
    template.spec ??= {};
    defaultClaimSpec(template.spec);
  }
}

/** The sources that pods and PersistentVolumes have in common. */
export function defaultSharedSource(
  source: Pick<
    Volume & PersistentVolumeSpec,
    'hostPath' | 'iscsi' | 'rbd' | 'azureDisk' | 'scaleIO'
  >,
): void {
  const { hostPath, iscsi, rbd, azureDisk, scaleIO } = source;
  if (hostPath) hostPath.type ??= '';
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.kind ??= 'Shared';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
}

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.resources ??= {};
  spec.volumeMode ??= 'Filesystem';
}

function defaultProjected(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= FILE_MODE;
  for (const { serviceAccountToken, downwardAPI, podCertificate } of projected.sources ?? []) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3_600;
    if (podCertificate) podCertificate.maxExpirationSeconds ??= 86_400;
    defaultDownwardItems(downwardAPI?.items);
  }
}

function defaultDownwardItems(items: readonly DownwardAPIVolumeFile[] | undefined): void {
  for (const { fieldRef } of items ?? []) if (fieldRef) fieldRef.apiVersion ||= 'v1';
}

/** 0644 */
const FILE_MODE = 0o644;
