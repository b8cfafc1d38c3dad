import type { Job } from 'kernetes/sdk';
import { conditionOf } from './conditions.ts';
import type { Context } from './job.ts';

export function tellSuspension(before: Job, after: Job, { events }: Context): void {
  const [was, is] = [before, after].map(job => conditionOf(job.status?.conditions, 'Suspended'));
  if (!was && is) events.event(after, 'Normal', 'Suspended', 'Job suspended');
  if (was && !is) events.event(after, 'Normal', 'Resumed', 'Job resumed');
}

export function tellEnd(job: Job, { events }: Context): void {
  const { conditions, succeeded = 0 } = job.status ?? {};
  const failure = conditionOf(conditions, 'Failed');
  if (failure) {
    events.event(job, 'Warning', failure.reason ?? '', failure.message ?? '');
    return;
  }
  if (succeeded > (job.spec?.completions ?? succeeded)) {
    const message = 'Too many succeeded pods running after completion count reached';
    events.event(job, 'Warning', 'TooManySucceededPods', message);
  }
  events.event(job, 'Normal', 'Completed', 'Job completed');
}
