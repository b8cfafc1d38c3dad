import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  type ControllerRevision,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  immutable,
  NAME_COLUMN,
  nonNegative,
  required,
  type TableCell,
} from 'kernetes/sdk';

export const controllerRevisions = defineKind<ControllerRevision>({
  group: 'apps',
  kind: 'ControllerRevision',
  resource: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  storage: { prefix: 'registry/controllerrevisions', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('apps', 'v1', 'ControllerRevision'),
      columns: [NAME_COLUMN, column('Controller'), column('Revision'), AGE_COLUMN],
      row: controllerRevisionRow,
    },
  ],
  strategy: {
    validate: validateControllerRevision,
    validateUpdate: ({ data }, old) => immutable(data, old.data, fieldPath('data')),
  },
});

export function validateControllerRevision({ revision, data }: ControllerRevision): FieldError[] {
  const errors = data ? [] : [required(fieldPath('data'), 'data is mandatory')];
  return [...errors, ...nonNegative(revision, fieldPath('revision'))];
}

export function controllerRevisionRow(revision: ControllerRevision, now: number): TableCell[] {
  const { metadata } = revision;
  return [
    metadata.name ?? '',
    controllerName(revision),
    revision.revision ?? 0,
    ageCell(revision, now),
  ];
}

/** `statefulset.apps/web` */
function controllerName({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner === undefined) return '<none>';
  const [group, version] = owner.apiVersion.split('/');
  const kind = version === undefined ? owner.kind : `${owner.kind}.${group}`;
  return `${kind.toLowerCase()}/${owner.name}`;
}
