import {
  type CronJob,
  type FieldError,
  fieldPath,
  invalidValue,
  nonNegative,
  oneOf,
  required,
  scheduleError,
} from 'kernetes/sdk';
import { validateJobTemplate } from './job-validation.ts';

const SPEC = fieldPath('spec');

/** The controller names a Job after its CronJob, with `-` and ten digits, in a DNS label. */
const NAME_LENGTH_MAX = 52;

export function validateCronJob({ metadata, spec }: CronJob): FieldError[] {
  if (spec === undefined) return [required(SPEC)];
  return [
    ...validateSchedule(spec.schedule),
    ...nonNegative(spec.startingDeadlineSeconds, SPEC.child('startingDeadlineSeconds')),
    ...validateTimeZone(spec.timeZone),
    ...validateConcurrency(spec.concurrencyPolicy),
    ...validateJobTemplate(spec.jobTemplate?.spec, SPEC.child('jobTemplate', 'spec')),
    ...nonNegative(spec.successfulJobsHistoryLimit, SPEC.child('successfulJobsHistoryLimit')),
    ...nonNegative(spec.failedJobsHistoryLimit, SPEC.child('failedJobsHistoryLimit')),
    ...validateName(metadata.name ?? ''),
  ];
}

function validateSchedule(schedule: string | undefined): FieldError[] {
  const path = SPEC.child('schedule');
  if (!schedule) return [required(path)];
  if (schedule.includes('TZ')) {
    const detail = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    return [invalidValue(path, schedule, detail)];
  }
  const error = scheduleError(schedule);
  return error === undefined ? [] : [invalidValue(path, schedule, error)];
}

function validateTimeZone(zone: string | undefined): FieldError[] {
  const path = SPEC.child('timeZone');
  if (zone === undefined) return [];
  if (zone === '') return [invalidValue(path, zone, 'timeZone must be nil or non-empty string')];
  if (zone.toLowerCase() === 'local') {
    const detail =
      'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [invalidValue(path, zone, detail)];
  }
  return isTimeZone(zone) ? [] : [invalidValue(path, zone, `unknown time zone ${zone}`)];
}

function isTimeZone(name: string): boolean {
  // Intl also takes offsets such as +01:00, which are no zones.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function validateConcurrency(policy: string | undefined): FieldError[] {
  const path = SPEC.child('concurrencyPolicy');
  return policy ? oneOf(policy, ['Allow', 'Forbid', 'Replace'], path) : [required(path)];
}

function validateName(name: string): FieldError[] {
  if (name.length <= NAME_LENGTH_MAX) return [];
  const detail = `must be no more than ${NAME_LENGTH_MAX} characters`;
  return [invalidValue(fieldPath('metadata', 'name'), name, detail)];
}
