import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../api/types-core-v1.ts';

/** The scopes that an object is in, each with what its selectors look at: the class's name. */
export type Scopes = ReadonlyMap<string, readonly string[]>;

export const NO_SCOPES: Scopes = new Map();

/** All that a quota asks of an object. */
export function scopeRequirements({
  spec,
}: Pick<ResourceQuota, 'spec'>): readonly ScopedResourceSelectorRequirement[] {
  const plain = (spec?.scopes ?? []).map(scopeName => ({ scopeName, operator: 'Exists' }));
  return [...plain, ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

export function isInScope(
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  scopes: Scopes,
): boolean {
  const found = scopes.get(scopeName);
  // A kind that knows nothing of a scope is never in it, whatever is asked.
  if (found === undefined) return false;
  if (!CLASS_SCOPES.has(scopeName)) return true;
  switch (operator) {
    case 'In':
      return found.some(value => values.includes(value));
    case 'NotIn':
      return found.length === 0 || found.some(value => !values.includes(value));
    case 'Exists':
      return found.length > 0;
    case 'DoesNotExist':
      return found.length === 0;
    default:
      return false;
  }
}

/** Those of which there are many: an object has them with a name, or with none. */
const CLASS_SCOPES = new Set(['PriorityClass', 'VolumeAttributesClass']);
