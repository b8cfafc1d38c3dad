import {
  ApiError,
  type CronJob,
  type CronJobStatus,
  Job,
  keyOf,
  type ObjectReference,
  type ReconcileContext,
  toTime,
} from 'kernetes/sdk';
import { referenceTo, SCHEDULED_AT } from './start.ts';

export type Context = ReconcileContext<CronJob, unknown>;

/** The condition type that ended the Job; undefined: it has not ended. */
export function outcomeOf({ status }: Job): 'Complete' | 'Failed' | undefined {
  const ended = status?.conditions?.find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  return ended?.type as 'Complete' | 'Failed' | undefined;
}

/** The CronJob's status as its Jobs make it, and an event for what is news in it. */
export async function statusOf(
  cronJob: CronJob,
  jobs: readonly Job[],
  context: Context,
): Promise<CronJobStatus> {
  const { events } = context;
  const { active = [], lastScheduleTime, lastSuccessfulTime, ...rest } = cronJob.status ?? {};
  const known = new Map(active.map(reference => [reference.uid, reference]));
  let succeeded = lastSuccessfulTime;
  let lastStarted = lastScheduleTime;
  for (const job of jobs) {
    const { uid = '', name = '', deletionTimestamp } = job.metadata;
    const outcome = outcomeOf(job);
    if (isUntold(cronJob, job)) {
      const time = toTime(scheduledAt(job));
      if (time > (lastStarted ?? '')) lastStarted = time;
      if (!outcome && !deletionTimestamp) known.set(uid, referenceTo(job));
    }
    if (outcome === undefined) {
      if (known.has(uid) || isStartOf(cronJob, job)) continue;
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      events.event(cronJob, 'Warning', 'UnexpectedJob', message);
      continue;
    }
    const { completionTime } = job.status ?? {};
    if (outcome === 'Complete' && completionTime && completionTime > (succeeded ?? '')) {
      succeeded = completionTime;
    }
    if (!known.delete(uid)) continue;
    const message = `Saw completed job: ${name}, condition: ${outcome}`;
    events.event(cronJob, 'Normal', 'SawCompletedJob', message);
  }
  for (const reference of await missing([...known.values()], jobs, context)) {
    known.delete(reference.uid);
    const message = `Active job went missing: ${reference.name}`;
    events.event(cronJob, 'Normal', 'MissingJob', message);
  }
  return {
    ...rest,
    ...(known.size > 0 && { active: [...known.values()] }),
    ...(lastStarted !== undefined && { lastScheduleTime: lastStarted }),
    ...(succeeded !== undefined && { lastSuccessfulTime: succeeded }),
  };
}

/** Deletes the oldest finished Jobs over the limits. */
export async function deleteOldJobs(
  cronJob: CronJob,
  jobs: readonly Job[],
  context: Context,
): Promise<void> {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  const surplus = [
    ...surplusOf('Complete', jobs, successfulJobsHistoryLimit),
    ...surplusOf('Failed', jobs, failedJobsHistoryLimit),
  ];
  for (const job of surplus) await deleteJob(cronJob, job, context);
}

/** With its pods. */
export async function deleteJob(
  cronJob: CronJob,
  { metadata: { namespace = '', name = '', uid = '' } }: Job,
  { objects, events }: Context,
): Promise<void> {
  try {
    const options = { propagationPolicy: 'Background', preconditions: { uid } } as const;
    await objects.delete(Job, { namespace, name }, options);
  } catch (error) {
    if (ApiError.is(error, 'NotFound')) return;
    if (ApiError.is(error)) {
      events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${error.message}`);
    }
    throw error;
  }
  events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
}

function surplusOf(outcome: string, jobs: readonly Job[], limit: number | undefined): Job[] {
  if (limit === undefined) return [];
  const finished = jobs.filter(
    job => outcomeOf(job) === outcome && !job.metadata.deletionTimestamp,
  );
  const oldestFirst = finished.sort((a, b) => compare(startOf(a), startOf(b)) || compareKeys(a, b));
  return oldestFirst.slice(0, Math.max(0, finished.length - limit));
}

/** One that never started counts as younger than all that did, as upstream. */
function startOf({ status }: Job): string {
  return status?.startTime ?? 'never';
}

function compareKeys(a: Job, b: Job): number {
  return compare(keyOf(a), keyOf(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** It was made here, and the status does not tell of it: that was not written before a crash. */
export function isUntold(cronJob: CronJob, job: Job): boolean {
  const { lastScheduleTime } = cronJob.status ?? {};
  const isLater = !lastScheduleTime || scheduledAt(job) > Date.parse(lastScheduleTime);
  return isLater && isStartOf(cronJob, job);
}

function isStartOf({ metadata }: CronJob, job: Job): boolean {
  const { name = '' } = job.metadata;
  return name.startsWith(`${metadata.name}-`) && Number.isFinite(scheduledAt(job));
}

function scheduledAt({ metadata }: Job): number {
  return Date.parse(metadata.annotations?.[SCHEDULED_AT] ?? '');
}

/** Those that are not in the copy, and that the server does not have either. */
async function missing(
  active: readonly ObjectReference[],
  jobs: readonly Job[],
  { objects }: Context,
): Promise<ObjectReference[]> {
  const here = new Set(jobs.map(({ metadata }) => metadata.uid));
  const found: ObjectReference[] = [];
  for (const reference of active) {
    if (here.has(reference.uid)) continue;
    const { namespace = '', name = '' } = reference;
    try {
      const { metadata } = await objects.get(Job, { namespace, name });
      if (metadata.uid !== reference.uid) found.push(reference);
    } catch (error) {
      if (!ApiError.is(error, 'NotFound')) throw error;
      found.push(reference);
    }
  }
  return found;
}
