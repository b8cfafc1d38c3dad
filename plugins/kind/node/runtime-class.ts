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
  type KindVersion,
  NAME_COLUMN,
  olderVersion,
  type RuntimeClass,
} from 'kernetes/sdk';

const RUNTIME_CLASS_V1: KindVersion<RuntimeClass> = {
  name: 'v1',
  schema: builtInSchema('node.k8s.io', 'v1', 'RuntimeClass'),
  columns: [NAME_COLUMN, column('Handler'), AGE_COLUMN],
  row: (runtimeClass, now) => [
    runtimeClass.metadata.name ?? '',
    runtimeClass.handler,
    ageCell(runtimeClass, now),
  ],
  releases: { since: 20 },
};

export const runtimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  kind: 'RuntimeClass',
  resource: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  storage: { prefix: 'registry/runtimeclasses', version: 'v1' },
  versions: [
    RUNTIME_CLASS_V1,
    olderVersion(RUNTIME_CLASS_V1, {
      group: 'node.k8s.io',
      kind: 'RuntimeClass',
      name: 'v1beta1',
      deprecated: 22,
      isUnreplaced: true,
      until: 24,
    }),
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
