import {
  type CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
  toTime,
} from 'kernetes/sdk';

export type ConditionUpdate = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>;

export function isConditionTrue({ status }: CustomResourceDefinition, type: string): boolean {
  return (status?.conditions ?? []).some(each => each.type === type && each.status === 'True');
}

/** The conditions with these put in; the time of one changes with its status only. */
export function withConditions(
  conditions: readonly CustomResourceDefinitionCondition[],
  updates: readonly ConditionUpdate[],
  now: number,
): CustomResourceDefinitionCondition[] {
  const all = [...conditions];
  for (const update of updates) {
    const at = all.findIndex(({ type }) => type === update.type);
    const old = all[at];
    const lastTransitionTime =
      old?.status === update.status && old.lastTransitionTime
        ? old.lastTransitionTime
        : toTime(now);
    const condition = { ...update, lastTransitionTime };
    if (at < 0) all.push(condition);
    else all[at] = condition;
  }
  return all;
}
