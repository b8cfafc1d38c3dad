import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  storageClassOf,
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';
import { DELETION_FINALIZER } from './volume-sync.ts';

interface MadeVolume {
  readonly name: string;
  readonly spec: NonNullable<PersistentVolume['spec']>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The object of a volume that was made: bound to its claim from the first moment on. */
export function volumeFor(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  { name, spec, labels, annotations }: MadeVolume,
): PersistentVolume {
  const { namespace = '', name: claimName = '', uid = '', resourceVersion } = claim.metadata;
  const policy = storageClass.reclaimPolicy ?? 'Delete';
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName };
  const attributes = claim.spec?.volumeAttributesClassName;
  return {
    metadata: {
      name,
      ...(labels && { labels }),
      annotations: {
        ...annotations,
        [VOLUME_ANNOTATIONS.boundByController]: 'yes',
        [VOLUME_ANNOTATIONS.provisionedBy]: storageClass.provisioner,
      },
      ...(policy === 'Delete' && { finalizers: [DELETION_FINALIZER] }),
    },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.storage ?? '0' },
      accessModes: claim.spec?.accessModes ?? [],
      volumeMode: claim.spec?.volumeMode ?? 'Filesystem',
      ...(storageClass.mountOptions && { mountOptions: storageClass.mountOptions }),
      ...(attributes && { volumeAttributesClassName: attributes }),
      ...spec,
      persistentVolumeReclaimPolicy: policy,
      storageClassName: storageClassOf(claim),
      claimRef: { ...claimRef, uid, ...(resourceVersion && { resourceVersion }) },
    },
  };
}
