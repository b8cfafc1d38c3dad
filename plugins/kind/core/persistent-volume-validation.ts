import { isDeepStrictEqual } from 'node:util';
import {
  canonicalQuantity,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  immutable,
  invalidValue,
  notSupported,
  type PersistentVolume,
  type PersistentVolumeSpec,
  parseQuantity,
  required,
  validateAccessModes,
  validateClassName,
  validateNodeSelector,
  validateVolumeMode,
} from 'kernetes/sdk';

export function validateVolume({ spec = {} }: PersistentVolume): FieldError[] {
  const path = fieldPath('spec');
  const policy = spec.persistentVolumeReclaimPolicy;
  const errors =
    (spec.accessModes ?? []).length === 0
      ? [required(path.child('accessModes'))]
      : validateAccessModes(spec.accessModes ?? [], path.child('accessModes'));
  errors.push(...validateCapacity(spec.capacity ?? {}, path.child('capacity')));
  if (policy && !POLICIES.includes(policy)) {
    errors.push(notSupported(path.child('persistentVolumeReclaimPolicy'), policy, POLICIES));
  }
  if (spec.nodeAffinity) errors.push(...validateNodeAffinity(spec, path.child('nodeAffinity')));
  errors.push(
    ...validateSources(spec, path),
    ...validateClassName(spec.storageClassName, path.child('storageClassName')),
    ...validateVolumeMode(spec.volumeMode, path.child('volumeMode')),
  );
  return errors;
}

/** Where the data is does not change; how much of it there is and who has it may. */
export function validateVolumeUpdate(
  { spec = {} }: PersistentVolume,
  { spec: old = {} }: PersistentVolume,
): FieldError[] {
  const errors: FieldError[] = [];
  if (SOURCES.some(source => !isDeepStrictEqual(spec[source], old[source]))) {
    const why = 'spec.persistentvolumesource is immutable after creation';
    errors.push(forbiddenValue(fieldPath('spec', 'persistentvolumesource'), why));
  }
  errors.push(...immutable(spec.volumeMode, old.volumeMode, 'volumeMode'));
  if (old.nodeAffinity) {
    errors.push(...immutable(spec.nodeAffinity, old.nodeAffinity, 'nodeAffinity'));
  }
  return errors;
}

function validateCapacity(
  capacity: Readonly<Record<string, string>>,
  path: FieldPath,
): FieldError[] {
  const names = Object.keys(capacity).sort();
  if (names.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  if (names.length > 1 || names[0] !== 'storage') {
    errors.push(notSupported(path, capacity, ['storage']));
  }
  for (const name of names) {
    const quantity = capacity[name] ?? '0';
    if (parseQuantity(quantity).mantissa > 0n) continue;
    errors.push(
      invalidValue(path.key(name), canonicalQuantity(quantity), 'must be greater than zero'),
    );
  }
  return errors;
}

function validateNodeAffinity(
  { nodeAffinity }: PersistentVolumeSpec,
  path: FieldPath,
): FieldError[] {
  const selector = nodeAffinity?.required;
  if (!selector) {
    return [required(path.child('required'), 'must specify required node constraints')];
  }
  return validateNodeSelector(selector, path.child('required'));
}

function validateSources(spec: PersistentVolumeSpec, path: FieldPath): FieldError[] {
  const [first, ...others] = SOURCES.filter(source => spec[source] !== undefined);
  if (!first) return [required(path, 'must specify a volume type')];
  const errors = others.map(source =>
    forbiddenValue(path.child(source), 'may not specify more than 1 volume type'),
  );
  const at = path.child(first);
  for (const field of REQUIRED_FIELDS[first] ?? []) {
    const source = spec[first] as Readonly<Record<string, unknown>>;
    if (!source[field]) errors.push(required(at.child(field)));
  }
  if (first === 'hostPath' && spec.hostPath?.path?.split('/').includes('..')) {
    errors.push(invalidValue(at.child('path'), spec.hostPath.path, "must not contain '..'"));
  }
  if (first === 'local' && !spec.nodeAffinity) {
    const why = 'Local volume requires node affinity';
    errors.push(required(fieldPath('metadata', 'annotations'), why));
  }
  if (
    first === 'hostPath' &&
    spec.hostPath?.path === '/' &&
    spec.persistentVolumeReclaimPolicy === 'Recycle'
  ) {
    const why = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbiddenValue(path.child('persistentVolumeReclaimPolicy'), why));
  }
  return errors;
}

const POLICIES = ['Delete', 'Recycle', 'Retain'];
const SOURCES = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const;
/** What each of the sources cannot be without. */
const REQUIRED_FIELDS: Partial<Record<(typeof SOURCES)[number], readonly string[]>> = {
  hostPath: ['path'],
  gcePersistentDisk: ['pdName'],
  awsElasticBlockStore: ['volumeID'],
  glusterfs: ['endpoints', 'path'],
  nfs: ['server', 'path'],
  rbd: ['monitors', 'image'],
  quobyte: ['registry', 'volume'],
  cephfs: ['monitors'],
  iscsi: ['targetPortal', 'iqn'],
  cinder: ['volumeID'],
  flexVolume: ['driver'],
  azureFile: ['secretName', 'shareName'],
  vsphereVolume: ['volumePath'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  scaleIO: ['gateway', 'system', 'volumeName'],
  local: ['path'],
  csi: ['driver', 'volumeHandle'],
};
