import { parse } from 'yaml';
import type { GroupResources, Level, Policy, Rule, Stage } from './policy.ts';

/** The policy in a file's text. Throws an Error that says what the operator must mend. */
export function readPolicy(text: string): Policy {
  const policy = objectAt(parse(text), 'the policy');
  const { apiVersion, kind, rules } = policy;
  if (kind !== 'Policy' || !VERSIONS.has(String(apiVersion))) {
    const found = `${String(kind)} in ${String(apiVersion)}`;
    throw new Error(
      `Cannot use an audit policy: it is "${found}", want a Policy in audit.k8s.io/v1`,
    );
  }
  onlyKnown(policy, POLICY_FIELDS, 'the policy');
  if (!Array.isArray(rules) || rules.length === 0) {
    throw new Error('Cannot use an audit policy: it has no rules');
  }
  return {
    rules: rules.map((rule, index) => readRule(rule, `rules[${index}]`)),
    omitStages: stagesAt(policy.omitStages, 'omitStages'),
    omitManagedFields: policy.omitManagedFields === true,
  };
}

function readRule(given: unknown, at: string): Rule {
  const rule = objectAt(given, at);
  onlyKnown(rule, RULE_FIELDS, at);
  const { level, omitManagedFields } = rule;
  if (!LEVELS.some(each => each === level)) {
    throw wrong(`${at}.level`, level, LEVELS.join(', '));
  }
  const texts = (name: string) => textsAt(rule[name], `${at}.${name}`);
  const resources = listAt(rule.resources, `${at}.resources`).map((each, index) =>
    readResources(each, `${at}.resources[${index}]`),
  );
  const nonResourceURLs = texts('nonResourceURLs');
  if (nonResourceURLs.length > 0 && (resources.length > 0 || texts('namespaces').length > 0)) {
    throw new Error(
      `Cannot use an audit policy: ${at} has nonResourceURLs and resources or namespaces, want one`,
    );
  }
  return {
    level: level as Level,
    users: texts('users'),
    userGroups: texts('userGroups'),
    verbs: texts('verbs'),
    namespaces: texts('namespaces'),
    nonResourceURLs,
    resources,
    omitStages: stagesAt(rule.omitStages, `${at}.omitStages`),
    omitManagedFields: typeof omitManagedFields === 'boolean' ? omitManagedFields : undefined,
  };
}

function readResources(given: unknown, at: string): GroupResources {
  const object = objectAt(given, at);
  onlyKnown(object, RESOURCE_FIELDS, at);
  const { group = '' } = object;
  if (typeof group !== 'string') throw wrong(`${at}.group`, group, 'a text');
  const resources = textsAt(object.resources, `${at}.resources`);
  const resourceNames = textsAt(object.resourceNames, `${at}.resourceNames`);
  if (resourceNames.length > 0 && resources.length === 0) {
    throw new Error(`Cannot use an audit policy: ${at} has resourceNames without resources`);
  }
  return { group, resources, resourceNames };
}

function objectAt(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(at, value, 'an object');
}

function listAt(value: unknown, at: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw wrong(at, value, 'a list');
}

function textsAt(value: unknown, at: string): string[] {
  return listAt(value, at).map((each, index) => {
    if (typeof each === 'string') return each;
    throw wrong(`${at}[${index}]`, each, 'a text');
  });
}

function stagesAt(value: unknown, at: string): Stage[] {
  return textsAt(value, at).map((each, index) => {
    const stage = STAGES.find(known => known === each);
    if (stage === undefined) throw wrong(`${at}[${index}]`, each, STAGES.join(', '));
    return stage;
  });
}

/** What is misspelt would log less than is meant. */
function onlyKnown(object: object, known: ReadonlySet<string>, at: string): void {
  const unknown = Object.keys(object).find(name => !known.has(name));
  if (unknown !== undefined) throw wrong(at, unknown, [...known].join(', '));
}

function wrong(at: string, found: unknown, want: string): Error {
  const shown = JSON.stringify(found) ?? 'absent';
  return new Error(`Cannot use an audit policy: ${at} has ${shown}, want ${want}`);
}

const LEVELS: readonly Level[] = ['None', 'Metadata', 'Request', 'RequestResponse'];
const STAGES: readonly Stage[] = [
  'RequestReceived',
  'ResponseStarted',
  'ResponseComplete',
  'Panic',
];
const VERSIONS = new Set(['audit.k8s.io/v1']);
const POLICY_FIELDS = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'rules',
  'omitStages',
  'omitManagedFields',
]);
const RULE_FIELDS = new Set([
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
]);
const RESOURCE_FIELDS = new Set(['group', 'resources', 'resourceNames']);
