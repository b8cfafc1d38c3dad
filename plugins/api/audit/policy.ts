import type { AuditedRequest } from 'kernetes/sdk';

export type Level = 'None' | 'Metadata' | 'Request' | 'RequestResponse';
export type Stage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

export interface Policy {
  readonly rules: readonly Rule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

export interface Rule {
  readonly level: Level;
  /** Of each: empty means all. */
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly GroupResources[];
  /** `''`: requests that have no namespace. */
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean | undefined;
}

export interface GroupResources {
  readonly group: string;
  /** `pods`, `pods/log`, `pods/*`, `*`, and `*` before a subresource; empty: all. */
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** What the log holds of one request. */
export interface Decision {
  readonly level: Level;
  readonly omits: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/** The first rule that fits decides; none: nothing is logged. */
export function decide(policy: Policy, request: AuditedRequest): Decision {
  const rule = policy.rules.find(each => fits(each, request));
  if (rule === undefined) return NOTHING;
  return {
    level: rule.level,
    omits: new Set([...policy.omitStages, ...rule.omitStages]),
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
  };
}

const NOTHING: Decision = { level: 'None', omits: new Set(), omitManagedFields: false };

function fits(rule: Rule, { requester, verb, target, path }: AuditedRequest): boolean {
  if (!anyOf(rule.users, requester.name)) return false;
  if (rule.userGroups.length > 0 && !rule.userGroups.some(each => requester.groups.includes(each)))
    return false;
  if (!anyOf(rule.verbs, verb)) return false;
  const { namespaces, resources, nonResourceURLs } = rule;
  if (namespaces.length === 0 && resources.length === 0 && nonResourceURLs.length === 0)
    return true;
  if (target === undefined) return nonResourceURLs.some(each => pathFits(each, path));
  if (namespaces.length === 0 && resources.length === 0) return false;
  if (!anyOf(namespaces, target.namespace)) return false;
  return resources.length === 0 || resources.some(each => resourceFits(each, target));
}

function anyOf(values: readonly string[], value: string): boolean {
  return values.length === 0 || values.includes(value);
}

function resourceFits(
  { group, resources, resourceNames }: GroupResources,
  target: NonNullable<AuditedRequest['target']>,
): boolean {
  if (group !== target.group) return false;
  const { resource, subresource, name } = target;
  const whole = subresource ? `${resource}/${subresource}` : resource;
  const named = anyOf(resourceNames, name);
  if (resources.length === 0) return named;
  return resources.some(each => {
    if (each === '*') return true;
    if (each === whole) return named;
    if (subresource === '') return false;
    return (each === `*/${subresource}` || each === `${resource}/*`) && named;
  });
}

/** `*`, `/healthz*`, `/version` */
function pathFits(pattern: string, path: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
