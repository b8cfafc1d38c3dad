import type { PolicyRule } from './api/types-rbac-v1.ts';
import type { Attributes } from './auth.ts';

/**
 * What rules of roles say, for authorizers and for those that write roles. Pure. As upstream's
 * `rbac/validation`: a rule is compared by its words, `*` covers all, and nothing is expanded.
 */

/** Whether one of the rules allows it. Linear in the rules: keep an index where that matters. */
export function rulesAllow(rules: readonly PolicyRule[], attributes: Attributes): boolean {
  return rules.some(rule =>
    'path' in attributes
      ? allows(rule.verbs, attributes.verb) && coversPath(rule.nonResourceURLs, attributes.path)
      : allows(rule.verbs, attributes.verb) &&
        allows(rule.apiGroups, attributes.group) &&
        namesResource(rule.resources, attributes.resource, attributes.subresource) &&
        (!rule.resourceNames?.length || rule.resourceNames.includes(attributes.name)),
  );
}

/** Whether URLs of a rule, each with a `*` at its end perhaps, cover a path or another such URL. */
export function coversPath(urls: readonly string[] | undefined, path: string): boolean {
  return (urls ?? []).some(
    url => url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, ''))),
  );
}

/**
 * The parts of `wanted` that none of `held` covers, each of one verb, group, resource and name.
 * Empty: whoever holds the ones has the others.
 */
export function uncoveredRules(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): PolicyRule[] {
  return wanted.flatMap(partsOf).filter(part => !held.some(rule => covers(rule, part)));
}

/** Parts of the same resource and name become one rule again, with all their verbs. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...target } = rule;
    const simple = rule.apiGroups?.length === 1 && rule.resources?.length === 1;
    const isPart = simple && !rule.nonResourceURLs?.length && (rule.resourceNames ?? []).length < 2;
    const id = isPart ? JSON.stringify(target) : `${byTarget.size}`;
    const known = byTarget.get(id);
    byTarget.set(id, { ...rule, verbs: [...new Set([...(known?.verbs ?? []), ...verbs])] });
  }
  return [...byTarget.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`: how error texts show a rule. */
export function formatRule(rule: PolicyRule): string {
  const fields = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ] as const;
  const shown = fields.filter(([, values]) => values?.length);
  return `{${shown.map(([name, values]) => `${name}:${formatWords(values ?? [])}`).join(', ')}}`;
}

/** `["a" "b"]` */
export function formatWords(words: readonly string[]): string {
  return `[${words.map(word => JSON.stringify(word)).join(' ')}]`;
}

function partsOf(rule: PolicyRule): PolicyRule[] {
  const { apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  const names = resourceNames?.length ? resourceNames.map(name => [name]) : [undefined];
  const parts: PolicyRule[] = [];
  for (const group of apiGroups ?? []) {
    for (const resource of resources ?? []) {
      for (const verb of rule.verbs ?? []) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        for (const name of names) parts.push(name ? { ...part, resourceNames: name } : part);
      }
    }
  }
  for (const url of nonResourceURLs ?? []) {
    for (const verb of rule.verbs ?? []) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  }
  return parts;
}

function covers(held: PolicyRule, part: PolicyRule): boolean {
  if (!(part.verbs ?? []).every(verb => allows(held.verbs, verb))) return false;
  const [url] = part.nonResourceURLs ?? [];
  if (url !== undefined) return coversPath(held.nonResourceURLs, url);
  const [resource = '', subresource = ''] = (part.resources?.[0] ?? '').split(/\/(.*)/s);
  const [name] = part.resourceNames ?? [];
  if (!(part.apiGroups ?? []).every(group => allows(held.apiGroups, group))) return false;
  if (!namesResource(held.resources, resource, subresource)) return false;
  return !held.resourceNames?.length || (name !== undefined && held.resourceNames.includes(name));
}

function namesResource(
  resources: readonly string[] | undefined,
  resource: string,
  subresource: string,
): boolean {
  if (resources === undefined) return false;
  const full = subresource ? `${resource}/${subresource}` : resource;
  if (resources.includes('*') || resources.includes(full)) return true;
  return subresource !== '' && resources.includes(`*/${subresource}`);
}

function allows(words: readonly string[] | undefined, word: string): boolean {
  return words !== undefined && (words.includes(word) || words.includes('*'));
}
