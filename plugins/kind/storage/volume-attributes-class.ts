import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  immutable,
  invalidValue,
  labelKeyErrors,
  NAME_COLUMN,
  required,
  type VolumeAttributesClass,
} from 'kernetes/sdk';

export const volumeAttributesClasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  kind: 'VolumeAttributesClass',
  resource: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  shortNames: ['vac'],
  namespaced: false,
  storage: { prefix: 'registry/volumeattributesclasses', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('storage.k8s.io', 'v1', 'VolumeAttributesClass'),
      releases: { since: 34 },
      columns: [NAME_COLUMN, column('DriverName'), AGE_COLUMN],
      row: (of, now) => [of.metadata.name ?? '', of.driverName ?? '', ageCell(of, now)],
    },
  ],
  strategy: {
    returnsDeleted: true,
    validate: validateClass,
    validateUpdate: (changed, old) => [
      ...immutable(changed.driverName, old.driverName, fieldPath('driverName')),
      ...immutable(changed.parameters, old.parameters, fieldPath('parameters')),
    ],
  },
});

export function validateClass({
  driverName = '',
  parameters = {},
}: VolumeAttributesClass): FieldError[] {
  const path = fieldPath('parameters');
  const errors: FieldError[] =
    driverName === ''
      ? [required(fieldPath('driverName'), '')]
      : (labelKeyErrors(driverName) ?? []).map(why =>
          invalidValue(fieldPath('driverName'), driverName, why),
        );
  const entries = Object.entries(parameters);
  if (entries.length === 0) {
    errors.push(required(path, 'must contain at least one key/value pair'));
  }
  if (entries.some(([key]) => key === ''))
    errors.push(invalidValue(path, '', 'field can not be empty.'));
  return errors;
}
