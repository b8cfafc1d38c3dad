import {
  ApiError,
  apiVersionOf,
  CronJob,
  controllerOf,
  controllerReference,
  isNamespaceTerminating,
  Job,
  type ObjectReference,
} from 'kernetes/sdk';
import type { Context } from './history.ts';

/** The Job of one start: its name says which, so that none is made twice. */
export function jobOf(cronJob: CronJob, at: number): Job {
  const { name, namespace = '' } = cronJob.metadata;
  const { metadata: { labels, annotations } = {}, spec } = cronJob.spec.jobTemplate;
  return {
    apiVersion: apiVersionOf(Job),
    kind: Job.kind,
    metadata: {
      name: `${name}-${Math.floor(at / 60_000)}`,
      namespace,
      ...(labels && { labels }),
      annotations: { ...annotations, [SCHEDULED_AT]: localTime(at, cronJob.spec.timeZone) },
      ownerReferences: [controllerReference(CronJob, cronJob)],
    },
    ...(spec && { spec }),
  };
}

/** Undefined: the namespace is going away. A Job that was made before a crash is taken as made. */
export async function startJob(
  cronJob: CronJob,
  job: Job,
  { objects, events }: Context,
): Promise<Job | undefined> {
  try {
    const made = await objects.create(Job, job);
    events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${made.metadata.name}`);
    return made;
  } catch (error) {
    if (!ApiError.is(error)) throw error;
    if (isNamespaceTerminating(error)) return undefined;
    if (error.reason === 'AlreadyExists') {
      const { namespace = '', name = '' } = job.metadata;
      const found = await objects.get(Job, { namespace, name });
      if (controllerOf(found)?.uid === cronJob.metadata.uid) return found;
    }
    events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${error.message}`);
    throw error;
  }
}

export function referenceTo({ metadata }: Job): ObjectReference {
  const { name = '', namespace = '', uid = '', resourceVersion = '' } = metadata;
  return { apiVersion: apiVersionOf(Job), kind: Job.kind, name, namespace, uid, resourceVersion };
}

/** With the zone's offset, as upstream writes it: `2026-11-21T09:30:00+01:00`. */
function localTime(at: number, timeZone = 'UTC'): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const zone = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const offset = zone?.replace('GMT', '').replace('+00:00', '') || 'Z';
  return `${parts.format(at).replace(' ', 'T')}${offset}`;
}

/** On a Job: for which time it was made. */
export const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
