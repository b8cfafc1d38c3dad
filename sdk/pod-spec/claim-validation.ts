import type { PersistentVolumeClaimSpec } from '../api/types-core-v1.ts';
import {
  type FieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
} from '../field-path.ts';
import { nameFindings, validateLabelSelector } from '../label-validation.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { canonicalQuantity, parseQuantity } from '../quantity.ts';
import type { FieldError } from '../status.ts';

/** The findings on a defaulted claim, of its own or in a template. `path` is the spec's. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: FieldPath): FieldError[] {
  return [
    ...validateAccessModes(spec.accessModes ?? [], path.child('accessModes')),
    ...validateLabelSelector(spec.selector, path.child('selector')),
    ...validateStorage(spec.resources?.requests?.storage, path.child('resources')),
    ...validateClassName(spec.storageClassName, path.child('storageClassName')),
    ...validateVolumeMode(spec.volumeMode, path.child('volumeMode')),
    ...validateDataSource(spec, path),
    ...validateClassName(spec.volumeAttributesClassName, path.child('volumeAttributesClassName')),
  ];
}

export function validateAccessModes(modes: readonly string[], path: FieldPath): FieldError[] {
  if (modes.length === 0) return [required(path, 'at least 1 access mode is required')];
  const errors = modes
    .filter(mode => !ACCESS_MODES.includes(mode))
    .map(mode => notSupported(path, mode, ACCESS_MODES));
  if (modes.length > 1 && modes.includes('ReadWriteOncePod')) {
    errors.push(forbiddenValue(path, 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

export function validateVolumeMode(mode: string | undefined, path: FieldPath): FieldError[] {
  if (mode === undefined || VOLUME_MODES.includes(mode)) return [];
  return [notSupported(path, mode, VOLUME_MODES)];
}

export function validateClassName(name: string | undefined, path: FieldPath): FieldError[] {
  return name ? nameFindings(path, name, dns1123SubdomainErrors(name)) : [];
}

function validateStorage(storage: string | undefined, resources: FieldPath): FieldError[] {
  if (storage === undefined) return [required(resources.key('storage'))];
  if (parseQuantity(storage).mantissa > 0n) return [];
  const path = resources.key('storage');
  return [invalidValue(path, canonicalQuantity(storage), 'must be greater than zero')];
}

function validateDataSource(spec: PersistentVolumeClaimSpec, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['dataSource', 'dataSourceRef'] as const) {
    const source = spec[field];
    if (!source) continue;
    const at = path.child(field);
    if (!source.name) errors.push(required(at.child('name')));
    if (!source.kind) errors.push(required(at.child('kind')));
    if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') {
      const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
      errors.push(invalidValue(at, source.kind, why));
    }
  }
  return errors;
}

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];
