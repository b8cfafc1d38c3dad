import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  CONTAINER_COLUMNS,
  column,
  containerCells,
  defaultClaimSpec,
  defineKind,
  NAME_COLUMN,
  type PersistentVolumeClaim,
  rewritten,
  type StatefulSet,
  type StatefulSetSpec,
  scaleSubresource,
  selectorText,
  type TableCell,
  withTemplateTimes,
} from 'kernetes/sdk';
import { templatedSpec } from './pod-template.ts';
import {
  validateStatefulSet,
  validateStatefulSetStatus,
  validateStatefulSetUpdate,
} from './stateful-set-validation.ts';

export const statefulSets = defineKind<StatefulSet>({
  group: 'apps',
  kind: 'StatefulSet',
  resource: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/statefulsets', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('apps', 'v1', 'StatefulSet'),
      defaults: defaultStatefulSet,
      columns: [NAME_COLUMN, column('Ready'), AGE_COLUMN, ...CONTAINER_COLUMNS],
      row: statefulSetRow,
    },
  ],
  earlier: [
    withTemplateTimes<StatefulSet>(({ spec }) => [
      spec?.template,
      ...(spec?.volumeClaimTemplates ?? []),
    ]),
    rewritten<StatefulSet>(26, ({ spec }) => {
      delete spec?.persistentVolumeClaimRetentionPolicy;
    }),
    rewritten<StatefulSet>(21, ({ status }) => {
      delete status?.availableReplicas;
    }),
  ],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: statefulSet => {
      statefulSet.status = { replicas: 0, availableReplicas: 0 };
    },
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    validateStatusUpdate: validateStatefulSetStatus,
  },
  subresources: [scaleSubresource<StatefulSet>(({ spec }) => selectorText(spec?.selector))],
});

export function defaultStatefulSet(statefulSet: StatefulSet): void {
  const spec = templatedSpec(statefulSet);
  spec.podManagementPolicy ||= 'OrderedReady';
  defaultUpdateStrategy(spec);
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.volumeClaimTemplates?.forEach(defaultClaimTemplate);
}

function defaultUpdateStrategy(spec: StatefulSetSpec): void {
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type !== 'RollingUpdate') return;
  spec.updateStrategy.rollingUpdate ??= {};
  spec.updateStrategy.rollingUpdate.partition ??= 0;
}

function defaultClaimTemplate(claim: PersistentVolumeClaim): void {
  claim.kind = 'PersistentVolumeClaim';
  claim.apiVersion = 'v1';
  if (claim.spec) defaultClaimSpec(claim.spec);
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
}

export function statefulSetRow(statefulSet: StatefulSet, now: number): TableCell[] {
  const { metadata, spec, status } = statefulSet;
  return [
    metadata.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ageCell(statefulSet, now),
    ...containerCells(spec?.template),
  ];
}
