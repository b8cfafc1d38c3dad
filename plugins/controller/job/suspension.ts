import type { Job, JobCondition } from 'kernetes/sdk';
import { conditionOf, isSuspended, newCondition, withCondition } from './conditions.ts';

const SUSPENDED = { type: 'Suspended', reason: 'JobSuspended', message: 'Job suspended' } as const;
const RESUMED = {
  type: 'Suspended',
  status: 'False',
  reason: 'JobResumed',
  message: 'Job resumed',
} as const;

/** The conditions, if the Job was suspended or resumed; a Job that never was has no such. */
export function suspension(job: Job, now: number): JobCondition[] | undefined {
  const { conditions = [] } = job.status ?? {};
  const wasSuspended = conditionOf(conditions, 'Suspended') !== undefined;
  if (wasSuspended === isSuspended(job)) return undefined;
  const condition = newCondition(wasSuspended ? RESUMED : SUSPENDED, now);
  return [...withCondition(conditions, condition)];
}
