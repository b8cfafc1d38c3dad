import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  type DaemonSet,
  defineKind,
  formatLabels,
  NAME_COLUMN,
  rewritten,
  type TableCell,
  WORKLOAD_COLUMNS,
  withTemplateTimes,
  workloadCells,
} from 'kernetes/sdk';
import { validateDaemonSet, validateDaemonSetStatus } from './daemon-set-validation.ts';
import { validateSelectorKept } from './deployment-validation.ts';
import { templatedSpec } from './pod-template.ts';

export const daemonSets = defineKind<DaemonSet>({
  group: 'apps',
  kind: 'DaemonSet',
  resource: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/daemonsets', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('apps', 'v1', 'DaemonSet'),
      defaults: defaultDaemonSet,
      columns: [
        NAME_COLUMN,
        column('Desired', 0, 'integer'),
        column('Current', 0, 'integer'),
        column('Ready', 0, 'integer'),
        column('Up-to-date', 0, 'integer'),
        column('Available', 0, 'integer'),
        column('Node Selector'),
        AGE_COLUMN,
        ...WORKLOAD_COLUMNS,
      ],
      row: daemonSetRow,
    },
  ],
  earlier: [
    withTemplateTimes<DaemonSet>(({ spec }) => [spec?.template]),
    rewritten<DaemonSet>(21, ({ spec }) => {
      delete spec?.updateStrategy?.rollingUpdate?.maxSurge;
    }),
  ],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: daemonSet => {
      daemonSet.status = {
        currentNumberScheduled: 0,
        numberMisscheduled: 0,
        desiredNumberScheduled: 0,
        numberReady: 0,
      };
      setTemplateGeneration(daemonSet, Math.max(templateGeneration(daemonSet), 1));
    },
    prepareUpdate: (daemonSet, old) => {
      const changed = !isDeepStrictEqual(daemonSet.spec?.template, old.spec?.template);
      setTemplateGeneration(daemonSet, templateGeneration(old) + (changed ? 1 : 0));
    },
    validate: validateDaemonSet,
    validateUpdate: validateSelectorKept,
    validateStatusUpdate: validateDaemonSetStatus,
  },
});

export function defaultDaemonSet(daemonSet: DaemonSet): void {
  const spec = templatedSpec(daemonSet);
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
}

export function daemonSetRow(daemonSet: DaemonSet, now: number): TableCell[] {
  const { metadata, spec, status } = daemonSet;
  return [
    metadata.name ?? '',
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    formatLabels(spec?.template?.spec?.nodeSelector),
    ageCell(daemonSet, now),
    ...workloadCells(spec?.template, spec?.selector),
  ];
}

/** Counts the changes of the template; once a field of the spec, now kept for old clients. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

function templateGeneration({ metadata }: DaemonSet): number {
  const text = metadata.annotations?.[TEMPLATE_GENERATION] ?? '';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}
