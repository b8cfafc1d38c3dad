import type { Container, Volume, VolumeDevice, VolumeMount } from '../api/types-core-v1.ts';
import {
  type FieldPath,
  forbiddenValue,
  invalidValue,
  required,
  valueNotFound,
} from '../field-path.ts';
import type { FieldError } from '../status.ts';
import { validateDescendingPath, validateNoBacksteps, validateOptionalChoice } from './choice.ts';

/** A container's `volumeMounts` and `volumeDevices`. `volumes`: the pod's, by name. */
export function validateMounts(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: FieldPath,
): FieldError[] {
  const { volumeMounts = [], volumeDevices = NO_DEVICES } = container;
  const paths = new Set<string>();
  const devices = new Set(volumeDevices.map(({ name }) => name));
  const errors: FieldError[] = [];
  for (const [i, mount] of volumeMounts.entries()) {
    const at = path.child('volumeMounts').index(i);
    errors.push(...validateMount(mount, volumes, at));
    if (paths.has(mount.mountPath)) {
      errors.push(invalidValue(at.child('mountPath'), mount.mountPath, 'must be unique'));
    }
    paths.add(mount.mountPath);
    if (devices.has(mount.name)) {
      const why = 'must not already exist in volumeDevices';
      errors.push(invalidValue(at.child('name'), mount.name, why));
    }
    errors.push(...validatePropagation(mount, container, at));
  }
  if (volumeDevices.length === 0) return errors;
  const devicePaths = new Set<string>();
  for (const [i, device] of volumeDevices.entries()) {
    const at = path.child('volumeDevices').index(i);
    errors.push(...validateDevice(device, volumes, at));
    if (devicePaths.has(device.devicePath)) {
      errors.push(invalidValue(at.child('devicePath'), device.devicePath, 'must be unique'));
    }
    devicePaths.add(device.devicePath);
    if (paths.has(device.devicePath)) {
      const why = 'must not already exist as a path in volumeMounts';
      errors.push(invalidValue(at.child('devicePath'), device.devicePath, why));
    }
  }
  return errors;
}

function validateMount(
  { name = '', mountPath, subPath, subPathExpr }: VolumeMount,
  volumes: ReadonlyMap<string, Volume>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(required(path.child('name')));
  if (!volumes.has(name)) errors.push(valueNotFound(path.child('name'), name));
  if (!mountPath) errors.push(required(path.child('mountPath')));
  if (subPath) errors.push(...validateDescendingPath(subPath, path.child('subPath')));
  if (!subPathExpr) return errors;
  const at = path.child('subPathExpr');
  if (subPath) {
    errors.push(invalidValue(at, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
  }
  return [...errors, ...validateDescendingPath(subPathExpr, at)];
}

function validatePropagation(
  { mountPropagation, recursiveReadOnly, readOnly }: VolumeMount,
  { securityContext }: Container,
  path: FieldPath,
): FieldError[] {
  const at = path.child('mountPropagation');
  if (mountPropagation === undefined && recursiveReadOnly === undefined) return [];
  const errors = validateOptionalChoice(mountPropagation, PROPAGATIONS, at);
  if (mountPropagation === 'Bidirectional' && !securityContext?.privileged) {
    const why = 'Bidirectional mount propagation is available only to privileged containers';
    errors.push(forbiddenValue(at, why));
  }
  const recursive = path.child('recursiveReadOnly');
  errors.push(...validateOptionalChoice(recursiveReadOnly, RECURSIVE_READ_ONLY, recursive));
  if (recursiveReadOnly && recursiveReadOnly !== 'Disabled' && !readOnly) {
    errors.push(forbiddenValue(recursive, 'may only be specified when readOnly is true'));
  }
  return errors;
}

function validateDevice(
  { name, devicePath }: VolumeDevice,
  volumes: ReadonlyMap<string, Volume>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const volume = volumes.get(name);
  if (!name) errors.push(required(path.child('name')));
  if (!volume) errors.push(valueNotFound(path.child('name'), name));
  else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
    const why =
      'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
    errors.push(invalidValue(path.child('name'), name, why));
  }
  if (!devicePath) return [...errors, required(path.child('devicePath'))];
  return [...errors, ...validateNoBacksteps(devicePath, path.child('devicePath'))];
}

const NO_DEVICES: readonly VolumeDevice[] = [];
const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE_READ_ONLY = ['Disabled', 'Enabled', 'IfPossible'];
