import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  CronJob,
  type CronJobStatus,
  Job,
  type ObjectKey,
  type ReconcileResult,
  toTime,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import { dueAt, lastStart } from './due.ts';
import { type Context, deleteJob, deleteOldJobs, isUntold, statusOf } from './history.ts';
import { readSchedule, type Schedule } from './schedule.ts';
import { jobOf, referenceTo, startJob } from './start.ts';

/** Starts what is due of one CronJob, and tells in its status what became of its Jobs. */
export async function reconcile(context: Context): Promise<ReconcileResult> {
  const jobs = context.owned(Job);
  const cronJob = await latest(jobs, context);
  if (!cronJob) return undefined;
  const status = await statusOf(cronJob, jobs, context);
  await deleteOldJobs(cronJob, jobs, context);
  const current = await writeStatus(cronJob, status, context);
  if (cronJob.metadata.deletionTimestamp) return undefined;
  const schedule = scheduleOf(current, context);
  if (!schedule || current.spec.suspend) return undefined;
  await start(current, schedule, context);
  return untilNext(schedule, context.clock.now());
}

/** Where the copy does not know of a start, the server may: the copy lags, or it was never told. */
async function latest(jobs: readonly Job[], context: Context): Promise<CronJob | undefined> {
  const { object, objects } = context;
  if (!object || !jobs.some(job => isUntold(object, job))) return object;
  const { namespace = '', name = '' } = object.metadata;
  const stored = await objects.get(CronJob, { namespace, name }).catch(undefinedIfNotFound);
  return stored?.metadata.uid === object.metadata.uid ? stored : undefined;
}

async function start(cronJob: CronJob, schedule: Schedule, context: Context): Promise<void> {
  const { events, clock } = context;
  const now = clock.now();
  const { at, isFlood } = dueAt(cronJob, schedule, now);
  if (isFlood) {
    const message =
      'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    events.event(cronJob, 'Warning', 'TooManyMissedTimes', message);
  }
  if (at === undefined) return;
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
  if (startingDeadlineSeconds !== undefined && at + startingDeadlineSeconds * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${new Date(at).toUTCString().replace('GMT', '+0000')}`;
    events.event(cronJob, 'Warning', 'MissSchedule', message);
    return;
  }
  const active = cronJob.status?.active ?? [];
  const job = jobOf(cronJob, at);
  if (active.some(({ name }) => name === job.metadata.name)) return;
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message =
      'Not starting job because prior execution is running and concurrency policy is Forbid';
    events.event(cronJob, 'Normal', 'JobAlreadyActive', message);
    return;
  }
  const kept = concurrencyPolicy === 'Replace' ? await replace(cronJob, context) : active;
  const started = await startJob(cronJob, job, context);
  if (!started) return;
  await writeStatus(
    cronJob,
    {
      ...cronJob.status,
      active: [...kept, referenceTo(started)],
      lastScheduleTime: toTime(at),
    },
    context,
  );
}

/** Those that run make way for the new one. */
async function replace(cronJob: CronJob, context: Context): Promise<[]> {
  for (const { namespace = '', name = '' } of cronJob.status?.active ?? []) {
    const job = await found({ namespace, name }, cronJob, context);
    if (job) await deleteJob(cronJob, job, context);
  }
  return [];
}

async function found(
  key: ObjectKey,
  cronJob: CronJob,
  { objects, events }: Context,
): Promise<Job | undefined> {
  try {
    return await objects.get(Job, key);
  } catch (error) {
    if (ApiError.is(error, 'NotFound')) return undefined;
    events.event(cronJob, 'Warning', 'FailedGet', `Get job: ${(error as Error).message}`);
    throw error;
  }
}

/** Undefined, told as an event: it cannot be read, and will be looked at when it is changed. */
function scheduleOf(cronJob: CronJob, { events }: Context): Schedule | undefined {
  const { schedule: text, timeZone } = cronJob.spec;
  try {
    const options = { timeZone: timeZone ?? 'UTC', since: lastStart(cronJob) };
    const schedule = readSchedule(text, options);
    if (typeof schedule !== 'string') return schedule;
    const message = `unparseable schedule: "${text}" : ${schedule}`;
    events.event(cronJob, 'Warning', 'UnparseableSchedule', message);
  } catch (error) {
    // Intl's way to say that it does not know a zone.
    if (!(error instanceof RangeError)) throw error;
    const message = `invalid timeZone: "${timeZone}": ${error.message}`;
    events.event(cronJob, 'Warning', 'UnknownTimeZone', message);
  }
  return undefined;
}

/** The CronJob as it then is. */
async function writeStatus(
  cronJob: CronJob,
  status: CronJobStatus,
  { objects }: Context,
): Promise<CronJob> {
  if (isDeepStrictEqual(status, cronJob.status ?? {})) return cronJob;
  return objects.updateStatus(CronJob, { ...cronJob, status });
}

function untilNext(schedule: Schedule, now: number): ReconcileResult {
  const next = schedule.next(now);
  if (next === undefined) return undefined;
  // A timer counts a 32-bit number of milliseconds.
  return { requeueAfter: Math.min(next - now + MARGIN_MS, DAY_MS) };
}

/** Clocks that wake up a little early would find nothing due. */
const MARGIN_MS = 100;
const DAY_MS = 24 * 3_600_000;
