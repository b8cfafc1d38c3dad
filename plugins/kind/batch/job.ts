import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  humanDuration,
  type Job,
  type JobStatus,
  NAME_COLUMN,
  rewritten,
  type TableCell,
  WORKLOAD_COLUMNS,
  withoutColumns,
  withTemplateTimes,
  workloadCells,
} from 'kernetes/sdk';
import { copyLabels, defaultJob } from './job-defaults.ts';
import { dropPrefixedLabels, generateSelector } from './job-selector.ts';
import { validateJobUpdate } from './job-update.ts';
import { validateJob, validateJobStatus } from './job-validation.ts';

export const jobs = defineKind<Job>({
  group: 'batch',
  kind: 'Job',
  resource: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/jobs', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('batch', 'v1', 'Job'),
      defaults: defaultJob,
      columns: [
        NAME_COLUMN,
        column('Status'),
        column('Completions'),
        column('Duration'),
        AGE_COLUMN,
        ...WORKLOAD_COLUMNS,
      ],
      row: jobRow,
    },
  ],
  earlier: [
    withTemplateTimes<Job>(({ spec }) => [spec?.template]),
    withoutColumns(29, 'Status'),
    rewritten<Job>(28, ({ spec }) => {
      delete spec?.podReplacementPolicy;
      if (spec?.manualSelector === false) delete spec.manualSelector;
    }),
    rewritten<Job>(26, dropPrefixedLabels),
    rewritten<Job>(21, ({ spec }) => {
      delete spec?.completionMode;
      delete spec?.suspend;
    }),
  ],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: job => {
      job.status = {};
      generateSelector(job);
      copyLabels(job);
    },
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    validateStatusUpdate: validateJobStatus,
    // As batch/v1 has always done, for clients that keep the pods of a deleted Job.
    defaultOrphan: true,
  },
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
});

export function jobRow(job: Job, now: number): TableCell[] {
  const { metadata, spec } = job;
  return [
    metadata.name ?? '',
    statusCell(job),
    completionsCell(job),
    durationCell(job.status, now),
    ageCell(job, now),
    ...workloadCells(spec?.template, spec?.selector),
  ];
}

function statusCell({ metadata, status }: Job): string {
  const isTrue = (type: string) =>
    status?.conditions?.some(condition => condition.type === type && condition.status === 'True');
  if (isTrue('Complete')) return 'Complete';
  if (isTrue('Failed')) return 'Failed';
  if (metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(isTrue) ?? 'Running';
}

function completionsCell({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationCell(status: JobStatus | undefined, now: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}
