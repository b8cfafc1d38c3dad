import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  forbiddenValue,
  immutable,
  invalidValue,
  type KindVersion,
  labelKeyErrors,
  NAME_COLUMN,
  olderVersion,
  oneOf,
  required,
  type StorageClass,
} from 'kernetes/sdk';

const GROUP = 'storage.k8s.io';

const STORAGE_CLASS_V1: KindVersion<StorageClass> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'StorageClass'),
  defaults: storageClass => {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  columns: [
    NAME_COLUMN,
    column('Provisioner'),
    column('ReclaimPolicy'),
    column('VolumeBindingMode'),
    column('AllowVolumeExpansion'),
    AGE_COLUMN,
  ],
  row: (storageClass, now) => [
    storageClass.metadata.name + (isDefault(storageClass) ? ' (default)' : ''),
    storageClass.provisioner,
    storageClass.reclaimPolicy ?? 'Delete',
    storageClass.volumeBindingMode ?? 'Immediate',
    storageClass.allowVolumeExpansion ?? false,
    ageCell(storageClass, now),
  ],
};

export const storageClasses = defineKind<StorageClass>({
  group: GROUP,
  kind: 'StorageClass',
  resource: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  storage: { prefix: 'registry/storageclasses', version: 'v1' },
  versions: [
    STORAGE_CLASS_V1,
    olderVersion(STORAGE_CLASS_V1, {
      group: GROUP,
      kind: 'StorageClass',
      name: 'v1beta1',
      deprecated: 19,
      until: 21,
    }),
  ],
  strategy: {
    returnsDeleted: true,
    validate: validateStorageClass,
    validateUpdate: validateStorageClassUpdate,
  },
});

/** Claims without a class get it. */
function isDefault({ metadata }: StorageClass): boolean {
  const { annotations = {} } = metadata;
  return (
    annotations['storageclass.kubernetes.io/is-default-class'] === 'true' ||
    annotations['storageclass.beta.kubernetes.io/is-default-class'] === 'true'
  );
}

export function validateStorageClass(storageClass: StorageClass): FieldError[] {
  const { provisioner, parameters = {}, reclaimPolicy, volumeBindingMode } = storageClass;
  const errors: FieldError[] = [];
  if (!provisioner) {
    errors.push(required(fieldPath('provisioner'), ''));
  } else {
    const wrong = labelKeyErrors(provisioner.toLowerCase()) ?? [];
    errors.push(...wrong.map(why => invalidValue(fieldPath('provisioner'), provisioner, why)));
  }
  if (Object.hasOwn(parameters, '')) {
    errors.push(invalidValue(fieldPath('parameters'), '', 'field can not be empty.'));
  }
  return [
    ...errors,
    ...oneOf(reclaimPolicy, ['Delete', 'Retain'], fieldPath('reclaimPolicy')),
    ...oneOf(
      volumeBindingMode,
      ['Immediate', 'WaitForFirstConsumer'],
      fieldPath('volumeBindingMode'),
    ),
  ];
}

function validateStorageClassUpdate(storageClass: StorageClass, old: StorageClass): FieldError[] {
  const errors = immutable(storageClass.parameters, old.parameters, fieldPath('parameters'));
  const changed = (['provisioner', 'reclaimPolicy'] as const).filter(
    field => storageClass[field] !== old[field],
  );
  return [
    ...errors.map(({ field }) => forbiddenValue(field, 'updates to parameters are forbidden.')),
    ...changed.map(field => forbiddenValue(fieldPath(field), `updates to ${field} are forbidden.`)),
    ...immutable(
      storageClass.volumeBindingMode,
      old.volumeBindingMode,
      fieldPath('volumeBindingMode'),
    ),
  ];
}
