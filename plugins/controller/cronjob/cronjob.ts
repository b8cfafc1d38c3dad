import { isDeepStrictEqual } from 'node:util';
import { ApiError, CronJob, type CronJobStatus, Job, type ReconcileResult } from 'kernetes/sdk';
import { dueAt } from './due.ts';
import { type Context, deleteJob, deleteOldJobs, statusOf } from './history.ts';
import { readSchedule, type Schedule } from './schedule.ts';
import { jobOf, referenceTo, startJob } from './start.ts';

/** Starts what is due of one CronJob, and tells in its status what became of its Jobs. */
export async function reconcile(context: Context): Promise<ReconcileResult> {
  const { object: cronJob } = context;
  if (!cronJob) return undefined;
  const jobs = context.owned(Job);
  const status = await statusOf(cronJob, jobs, context);
  await deleteOldJobs(cronJob, jobs, context);
  const current = await writeStatus(cronJob, status, context);
  if (cronJob.metadata.deletionTimestamp) return undefined;
  const schedule = scheduleOf(current, context);
  if (!schedule || current.spec.suspend) return undefined;
  await start(current, schedule, context);
  return untilNext(schedule, context.clock.now());
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
      lastScheduleTime: new Date(at).toISOString().replace('.000Z', 'Z'),
    },
    context,
  );
}

/** Those that run make way for the new one. */
async function replace(cronJob: CronJob, context: Context): Promise<[]> {
  for (const { namespace = '', name = '' } of cronJob.status?.active ?? []) {
    try {
      await deleteJob(cronJob, await context.objects.get(Job, { namespace, name }), context);
    } catch (error) {
      if (!ApiError.is(error, 'NotFound')) throw error;
    }
  }
  return [];
}

/** Undefined, told as an event: it cannot be read, and will be looked at when it is changed. */
function scheduleOf(cronJob: CronJob, { events }: Context): Schedule | undefined {
  const { schedule: text, timeZone } = cronJob.spec;
  try {
    const schedule = readSchedule(text, timeZone ?? 'UTC');
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
