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
  type KindVersion,
  NAME_COLUMN,
  notSupported,
  olderVersion,
  type PriorityClass,
  withoutColumns,
} from 'kernetes/sdk';

const PRIORITY_CLASS_V1: KindVersion<PriorityClass> = {
  name: 'v1',
  schema: builtInSchema('scheduling.k8s.io', 'v1', 'PriorityClass'),
  defaults: priorityClass => {
    priorityClass.value ??= 0;
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  columns: [
    NAME_COLUMN,
    column('Value', 0, 'integer'),
    column('Global-Default', 0, 'boolean'),
    AGE_COLUMN,
    column('PreemptionPolicy', 1),
  ],
  row: (priorityClass, now) => [
    priorityClass.metadata.name ?? '',
    priorityClass.value ?? 0,
    priorityClass.globalDefault ?? false,
    ageCell(priorityClass, now),
    priorityClass.preemptionPolicy ?? '',
  ],
};

export const priorityClasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  kind: 'PriorityClass',
  resource: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  storage: { prefix: 'registry/priorityclasses', version: 'v1' },
  versions: [
    PRIORITY_CLASS_V1,
    olderVersion(PRIORITY_CLASS_V1, {
      group: 'scheduling.k8s.io',
      kind: 'PriorityClass',
      name: 'v1beta1',
      deprecated: 14,
      until: 21,
    }),
  ],
  earlier: [withoutColumns(29, 'PreemptionPolicy')],
  strategy: {
    generation: true,
    prepareUpdate: ({ metadata }, old) => {
      if (old.metadata.generation) metadata.generation = old.metadata.generation;
    },
    validate: validatePriorityClass,
    validateUpdate: (priorityClass, old) => [
      ...(priorityClass.value === old.value
        ? []
        : [forbiddenValue(fieldPath('value'), 'may not be changed in an update.')]),
      ...immutable(
        priorityClass.preemptionPolicy,
        old.preemptionPolicy,
        fieldPath('preemptionPolicy'),
      ),
    ],
  },
});

export function validatePriorityClass(priorityClass: PriorityClass): FieldError[] {
  const { metadata, value = 0, preemptionPolicy } = priorityClass;
  const name = metadata.name ?? '';
  const errors: FieldError[] = [];
  if (name.startsWith(SYSTEM_PREFIX)) {
    if (SYSTEM_CLASSES.get(name) !== value) {
      const why = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only`;
      errors.push(forbiddenValue(fieldPath('metadata', 'name'), why));
    }
  } else if (value > HIGHEST_USER_PRIORITY) {
    const why = `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`;
    errors.push(forbiddenValue(fieldPath('value'), why));
  }
  if (preemptionPolicy && !POLICIES.includes(preemptionPolicy)) {
    errors.push(notSupported(fieldPath('preemptionPolicy'), preemptionPolicy, POLICIES));
  }
  return errors;
}

const SYSTEM_PREFIX = 'system-';
const HIGHEST_USER_PRIORITY = 1_000_000_000;
const SYSTEM_CLASSES = new Map([
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
]);
const POLICIES = ['PreemptLowerPriority', 'Never'];
