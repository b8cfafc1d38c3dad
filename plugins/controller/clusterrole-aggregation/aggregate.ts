import { isDeepStrictEqual } from 'node:util';
import { type ClusterRole, type PolicyRule, selectorFrom } from 'kernetes/sdk';

/** The rules of those that the role selects, by name, each once; its own count for nothing. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const wanted = selectorFrom(selector);
    const selected = all
      .filter(({ metadata }) => metadata.name !== role.metadata.name)
      .filter(({ metadata }) => wanted.matches(metadata.labels ?? {}))
      .sort(byName);
    for (const rule of selected.flatMap(each => each.rules ?? [])) {
      if (!rules.some(known => isDeepStrictEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

function byName(a: ClusterRole, b: ClusterRole): number {
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}
