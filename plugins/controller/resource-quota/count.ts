import {
  addQuantities,
  isInScope,
  NO_QUANTITY,
  type ParsedQuantity,
  type ResourceQuota,
  scopeRequirements,
  type Usage,
} from 'kernetes/sdk';
import type { Monitor } from './monitors.ts';

/**
 * What the objects of the quota's namespace use of it. Names that no kind is about, or one whose
 * objects are not all known yet, are left out. Takes time in proportion to these objects: each was
 * looked at before, so it is one addition a name.
 */
export function countUsage(quota: ResourceQuota, monitors: readonly Monitor[]): Usage {
  const { namespace = '' } = quota.metadata;
  const required = scopeRequirements(quota);
  const names = Object.keys(quota.spec?.hard ?? {});
  const sums = new Map<string, ParsedQuantity>();
  for (const { evaluator, objects, count } of monitors) {
    const own = names.filter(evaluator.counts);
    if (own.length === 0 || !objects.hasSynced) continue;
    for (const name of own) sums.set(name, NO_QUANTITY);
    for (const object of objects.list(namespace)) {
      const { usage, scopes } = count(object);
      if (!required.every(requirement => isInScope(requirement, scopes))) continue;
      for (const name of own) {
        const value = usage.get(name);
        if (value) sums.set(name, addQuantities(sums.get(name) ?? NO_QUANTITY, value));
      }
    }
  }
  return sums;
}
