import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  column,
  compareQuantities,
  defaultClaimSpec,
  type FieldError,
  fieldPath,
  forbiddenValue,
  NAME_COLUMN,
  PersistentVolumeClaim,
  type PersistentVolumeClaimSpec,
  parseQuantity,
  validateClaimSpec,
  validateResourceQuantity,
  withoutColumns,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { CLASS_ANNOTATION, formatAccessModes } from './volume-table.ts';

export const persistentVolumeClaims = coreKind<PersistentVolumeClaim>(PersistentVolumeClaim, {
  shortNames: ['pvc'],
  columns: [
    NAME_COLUMN,
    column('Status'),
    column('Volume'),
    column('Capacity'),
    column('Access Modes'),
    column('StorageClass'),
    column('VolumeAttributesClass'),
    AGE_COLUMN,
    column('VolumeMode', 1),
  ],
  earlier: [withoutColumns(28, 'VolumeAttributesClass')],
  row: (claim, now) => {
    const { metadata, spec, status } = claim;
    const isBound = Boolean(spec?.volumeName);
    return [
      metadata.name ?? '',
      metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      spec?.volumeName ?? '',
      isBound ? (status?.capacity?.storage ?? '0') : '',
      isBound ? formatAccessModes(status?.accessModes) : '',
      metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? '<unset>',
      ageCell(claim, now),
      spec?.volumeMode ?? '<unset>',
    ];
  },
  defaults: claim => {
    claim.spec ??= {};
    defaultClaimSpec(claim.spec);
  },
  strategy: {
    returnsDeleted: true,
    status: true,
    prepareCreate: claim => {
      claim.status = { phase: 'Pending' };
    },
    prepareStatusUpdate: claim => {
      claim.status ??= {};
      claim.status.phase ||= 'Pending';
    },
    validate: ({ spec }) => validateClaimSpec(spec ?? {}, fieldPath('spec')),
    validateUpdate: validateClaimUpdate,
    validateStatusUpdate: ({ status }) =>
      Object.entries(status?.capacity ?? {}).flatMap(([name, quantity]) =>
        validateResourceQuantity(name, quantity, fieldPath('status', 'capacity').key(name)),
      ),
  },
});

/** A claim may be bound, grow once it is, and get the class that it did not name. */
function validateClaimUpdate(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
): FieldError[] {
  const [spec, oldSpec] = [claim.spec ?? {}, old.spec ?? {}];
  const isBound = old.status?.phase === 'Bound';
  const errors: FieldError[] = [];
  if (!isDeepStrictEqual(fixedPart(spec, oldSpec, isBound), fixedPart(oldSpec, oldSpec, isBound))) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    errors.push(forbiddenValue('spec', why));
  }
  const [size, oldSize] = [spec.resources?.requests?.storage, oldSpec.resources?.requests?.storage];
  const capacity = old.status?.capacity?.storage;
  const isSmaller = isBound && isBelow(size, oldSize) && (!capacity || isBelow(size, capacity));
  if (isSmaller) {
    const path = fieldPath('spec', 'resources', 'requests', 'storage');
    errors.push(forbiddenValue(path, 'field can not be less than status.capacity'));
  }
  return errors;
}

/** The specification without what may differ from the old one. */
function fixedPart(
  spec: PersistentVolumeClaimSpec,
  old: PersistentVolumeClaimSpec,
  isBound: boolean,
): object {
  const fixed: Record<string, unknown> = { ...spec };
  if (!old.volumeName) delete fixed.volumeName;
  if (old.storageClassName === undefined) delete fixed.storageClassName;
  if (isBound) {
    fixed.resources = { ...spec.resources, requests: {} };
    delete fixed.volumeAttributesClassName;
  }
  return fixed;
}

function isBelow(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return compareQuantities(parseQuantity(a), parseQuantity(b)) < 0;
}
