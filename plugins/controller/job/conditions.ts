import { type Job, type JobCondition, toTime } from 'kernetes/sdk';

export interface NewCondition {
  readonly type: string;
  readonly status?: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export function newCondition(condition: NewCondition, now: number): JobCondition {
  const { type, status = 'True', reason, message } = condition;
  const time = toTime(now);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

export function conditionOf(
  conditions: readonly JobCondition[] | undefined,
  type: string,
): JobCondition | undefined {
  return conditions?.find(condition => condition.type === type && condition.status === 'True');
}

/** The conditions with this one in place of one of its type; as they are when it is there. */
export function withCondition(
  conditions: readonly JobCondition[],
  condition: JobCondition,
): readonly JobCondition[] {
  const old = conditions.find(({ type }) => type === condition.type);
  if (!old) return [...conditions, condition];
  const { status, reason, message } = condition;
  if (old.status === status && old.reason === reason && old.message === message) return conditions;
  return conditions.map(each => (each === old ? condition : each));
}

export function isFinished({ status }: Job): boolean {
  const { conditions } = status ?? {};
  return (conditionOf(conditions, 'Complete') ?? conditionOf(conditions, 'Failed')) !== undefined;
}

export function isSuspended({ spec }: Job): boolean {
  return spec?.suspend === true;
}

/** Another controller does what this one would. */
export function isManagedElsewhere({ spec }: Job): boolean {
  return spec?.managedBy !== undefined && spec.managedBy !== 'kubernetes.io/job-controller';
}
