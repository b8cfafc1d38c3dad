import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  NAME_COLUMN,
  nonNegative,
  type ReplicaSet,
  scaleSubresource,
  selectorText,
  type TableCell,
  WORKLOAD_COLUMNS,
  withTemplateTimes,
  workloadCells,
} from 'kernetes/sdk';
import { validateSelectorKept } from './deployment-validation.ts';
import { templatedSpec, validateReplicatedTemplate, validateSelector } from './pod-template.ts';
import { validateCounters, validateNotGreater } from './status-validation.ts';

export const replicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  kind: 'ReplicaSet',
  resource: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/replicasets', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('apps', 'v1', 'ReplicaSet'),
      defaults: defaultReplicaSet,
      columns: [
        NAME_COLUMN,
        column('Desired', 0, 'integer'),
        column('Current', 0, 'integer'),
        column('Ready', 0, 'integer'),
        AGE_COLUMN,
        ...WORKLOAD_COLUMNS,
      ],
      row: replicaSetRow,
    },
  ],
  earlier: [withTemplateTimes<ReplicaSet>(({ spec }) => [spec?.template])],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: replicaSet => {
      replicaSet.status = { replicas: 0 };
    },
    validate: validateReplicaSet,
    validateUpdate: validateSelectorKept,
    validateStatusUpdate: validateReplicaSetStatus,
  },
  subresources: [scaleSubresource<ReplicaSet>(({ spec }) => selectorText(spec?.selector))],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
});

export function defaultReplicaSet(replicaSet: ReplicaSet): void {
  templatedSpec(replicaSet).replicas ??= 1;
}

const SPEC = fieldPath('spec');

export function validateReplicaSet({ spec }: ReplicaSet): FieldError[] {
  const selector = spec?.selector;
  const template = spec?.template;
  return [
    ...nonNegative(spec?.replicas, SPEC.child('replicas')),
    ...nonNegative(spec?.minReadySeconds, SPEC.child('minReadySeconds')),
    // "deployment" is upstream's word here.
    ...validateSelector(selector, SPEC.child('selector'), 'deployment'),
    ...validateReplicatedTemplate({ selector, template }, SPEC),
  ];
}

export function validateReplicaSetStatus({ status }: ReplicaSet): FieldError[] {
  return [
    ...validateCounters(status, [
      'replicas',
      'fullyLabeledReplicas',
      'readyReplicas',
      'availableReplicas',
      'terminatingReplicas',
      'observedGeneration',
    ]),
    ...validateNotGreater(status, ['fullyLabeledReplicas', 'replicas']),
    ...validateNotGreater(status, ['readyReplicas', 'replicas']),
    ...validateNotGreater(status, ['availableReplicas', 'replicas']),
    ...validateNotGreater(status, ['availableReplicas', 'readyReplicas'], 'readyReplicas'),
  ];
}

export function replicaSetRow(replicaSet: ReplicaSet, now: number): TableCell[] {
  const { metadata, spec, status } = replicaSet;
  return [
    metadata.name ?? '',
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageCell(replicaSet, now),
    ...workloadCells(spec?.template, spec?.selector),
  ];
}
