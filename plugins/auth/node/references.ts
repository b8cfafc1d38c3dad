import {
  type Container,
  containersOf,
  type PersistentVolume,
  type PersistentVolumeSpec,
  type Pod,
  type Volume,
} from 'kernetes/sdk';

/** What a pod's node must read to run it. */
export interface Reference {
  readonly type: ReferenceType;
  /** In the pod's namespace. */
  readonly name: string;
}

export type ReferenceType =
  | 'pod'
  | 'secret'
  | 'configmap'
  | 'persistentvolumeclaim'
  | 'resourceclaim'
  | 'serviceaccount';

/**
 * A mirror pod, which its node makes itself, refers to nothing but itself: else a node could make
 * one to read what it likes.
 */
export function referencesOf(pod: Pod): Reference[] {
  const { name = '', annotations = {} } = pod.metadata;
  const self: Reference = { type: 'pod', name };
  if (annotations[MIRROR] !== undefined) return [self];
  const { spec } = pod;
  if (spec === undefined) return [self];
  const { volumes = [], imagePullSecrets = [], serviceAccountName, resourceClaims = [] } = spec;
  const claims = [...resourceClaims, ...(pod.status?.resourceClaimStatuses ?? [])];
  return [
    self,
    ...named('serviceaccount', [serviceAccountName]),
    ...named(
      'secret',
      imagePullSecrets.map(each => each.name),
    ),
    ...named(
      'resourceclaim',
      claims.map(({ resourceClaimName }) => resourceClaimName),
    ),
    ...containersOf(spec).flatMap(ofContainer),
    ...volumes.flatMap(volume => ofVolume(volume, name)),
  ];
}

/** `namespace/name` of the secrets that a node must read to mount the volume. */
export function secretsOfVolume({ spec }: PersistentVolume): string[] {
  const home = spec?.claimRef?.namespace ?? '';
  const { azureFile, cephfs, csi, flexVolume, iscsi, rbd, scaleIO, storageos } =
    spec ?? ({} as Partial<PersistentVolumeSpec>);
  const azure = azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace };
  return [
    azure,
    ...[cephfs, flexVolume, iscsi, rbd, scaleIO, storageos].map(source => source?.secretRef),
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ].flatMap(secret => (secret?.name ? [`${secret.namespace || home}/${secret.name}`] : []));
}

function ofContainer({ env = [], envFrom = [] }: Container): Reference[] {
  return [
    ...named(
      'secret',
      env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ),
    ...named(
      'secret',
      envFrom.map(({ secretRef }) => secretRef?.name),
    ),
    ...named(
      'configmap',
      env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ),
    ...named(
      'configmap',
      envFrom.map(({ configMapRef }) => configMapRef?.name),
    ),
  ];
}

function ofVolume(volume: Volume, podName: string): Reference[] {
  const { cephfs, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = volume;
  const refs = [cephfs, flexVolume, iscsi, rbd, scaleIO, storageos];
  const projected = volume.projected?.sources ?? [];
  return [
    ...named('secret', [
      volume.secret?.secretName,
      volume.azureFile?.secretName,
      csi?.nodePublishSecretRef?.name,
      ...refs.map(source => source?.secretRef?.name),
      ...projected.map(({ secret }) => secret?.name),
    ]),
    ...named('configmap', [
      volume.configMap?.name,
      ...projected.map(({ configMap }) => configMap?.name),
    ]),
    ...named('persistentvolumeclaim', [
      volume.persistentVolumeClaim?.claimName,
      volume.ephemeral && `${podName}-${volume.name}`,
    ]),
  ];
}

function named(type: ReferenceType, names: readonly (string | undefined)[]): Reference[] {
  return names.flatMap(name => (name ? [{ type, name }] : []));
}

const MIRROR = 'kubernetes.io/config.mirror';
