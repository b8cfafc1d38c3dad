import { type DeploymentCondition, toTime } from 'kernetes/sdk';

export type NewCondition = Pick<DeploymentCondition, 'type' | 'status'> & {
  readonly reason: string;
  readonly message: string;
};

/** With `condition` in it. One of the same status and reason stays as it is, times included. */
export function setCondition(
  conditions: readonly DeploymentCondition[],
  condition: NewCondition,
  now: number,
): DeploymentCondition[] {
  const old = conditions.find(({ type }) => type === condition.type);
  if (old?.status === condition.status && old.reason === condition.reason) return [...conditions];
  return replaceCondition(conditions, condition, now);
}

/** Like `setCondition`, but the condition counts as updated now even if it says the same. */
export function replaceCondition(
  conditions: readonly DeploymentCondition[],
  condition: NewCondition,
  now: number,
): DeploymentCondition[] {
  const old = conditions.find(({ type }) => type === condition.type);
  const time = toTime(now);
  const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
  return [
    ...removeCondition(conditions, condition.type),
    { ...condition, lastUpdateTime: time, lastTransitionTime: since ?? time },
  ];
}

export function removeCondition(
  conditions: readonly DeploymentCondition[],
  type: string,
): DeploymentCondition[] {
  return conditions.filter(condition => condition.type !== type);
}
