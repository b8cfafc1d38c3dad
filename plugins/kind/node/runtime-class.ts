import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  dns1123LabelErrors,
  type FieldError,
  fieldPath,
  immutable,
  invalidValue,
  NAME_COLUMN,
  type RuntimeClass,
} from 'kernetes/sdk';

export const runtimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  kind: 'RuntimeClass',
  resource: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  storage: { prefix: 'registry/runtimeclasses', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('node.k8s.io', 'v1', 'RuntimeClass'),
      columns: [NAME_COLUMN, column('Handler'), AGE_COLUMN],
      row: (runtimeClass, now) => [
        runtimeClass.metadata.name ?? '',
        runtimeClass.handler,
        ageCell(runtimeClass, now),
      ],
    },
  ],
  strategy: {
    validate: validateRuntimeClass,
    validateUpdate: ({ handler }, old) => immutable(handler, old.handler, fieldPath('handler')),
  },
});

export function validateRuntimeClass({ handler }: RuntimeClass): FieldError[] {
  const wrong = dns1123LabelErrors(handler ?? '') ?? [];
  return wrong.map(why => invalidValue(fieldPath('handler'), handler ?? '', why));
}
