import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  CONTAINER_COLUMNS,
  type CronJob,
  column,
  containerCells,
  defaultPodTemplate,
  defineKind,
  type KindVersion,
  NAME_COLUMN,
  selectorText,
  type TableCell,
  translateTimestamp,
  withoutColumns,
  withTemplateTimes,
} from 'kernetes/sdk';
import { validateCronJob } from './cron-job-validation.ts';
import { defaultPodFailurePolicy } from './job-defaults.ts';

export const cronJobs = defineKind<CronJob>({
  group: 'batch',
  kind: 'CronJob',
  resource: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/cronjobs', version: 'v1' },
  versions: [
    { ...cronJobVersion('v1'), releases: { since: 21 } },
    {
      ...cronJobVersion('v1beta1'),
      releases: { until: 24 },
      deprecation:
        'batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob',
    },
  ],
  earlier: [
    withTemplateTimes<CronJob>(({ spec }) => [
      spec?.jobTemplate,
      spec?.jobTemplate?.spec?.template,
    ]),
    withoutColumns(29, 'Timezone'),
  ],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: cronJob => {
      cronJob.status = {};
    },
    validate: validateCronJob,
  },
});

/** The versions differ in name alone; fields that came later are in both. */
function cronJobVersion(name: string): KindVersion<CronJob> {
  return {
    name,
    schema: builtInSchema('batch', name, 'CronJob'),
    defaults: defaultCronJob,
    columns: [
      NAME_COLUMN,
      column('Schedule'),
      column('Timezone'),
      column('Suspend', 0, 'boolean'),
      column('Active', 0, 'integer'),
      column('Last Schedule'),
      AGE_COLUMN,
      ...CONTAINER_COLUMNS,
      column('Selector', 1),
    ],
    row: cronJobRow,
  };
}

/** The job template gets only what a pod template gets: the rest when a Job is made of it. */
export function defaultCronJob(cronJob: CronJob): void {
  // Any of these may be left out: then it is empty, as upstream's structs are.
  cronJob.spec ??= { schedule: '', jobTemplate: {} };
  const { spec } = cronJob;
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  spec.jobTemplate ??= {};
  spec.jobTemplate.metadata ??= {};
  spec.jobTemplate.spec ??= { template: {} };
  const job = spec.jobTemplate.spec;
  job.template ??= {};
  defaultPodTemplate(job.template);
  defaultPodFailurePolicy(job.podFailurePolicy);
}

export function cronJobRow(cronJob: CronJob, now: number): TableCell[] {
  const { metadata, spec, status } = cronJob;
  const job = spec?.jobTemplate?.spec;
  const last = status?.lastScheduleTime;
  return [
    metadata.name ?? '',
    spec?.schedule ?? '',
    spec?.timeZone || '<none>',
    suspendText(spec?.suspend),
    status?.active?.length ?? 0,
    last ? translateTimestamp(last, now) : '<none>',
    ageCell(cronJob, now),
    ...containerCells(job?.template),
    selectorText(job?.selector) || '<none>',
  ];
}

function suspendText(suspend: boolean | undefined): string {
  if (suspend === undefined) return '<unset>';
  return suspend ? 'True' : 'False';
}
