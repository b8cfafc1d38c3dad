import type { AdmissionOperation, AdmissionRequest, AdmissionRule } from '../admission.ts';
import type { NamedRuleWithOperations } from '../api/types-admissionregistration-v1.ts';

/** A resource in one of its versions, as rules name it. */
export interface ResourceVersion {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Whether a rule is about a request, were it one for the resource in that version. */
export function ruleMatches(
  rule: NamedRuleWithOperations,
  request: AdmissionRequest,
  as: ResourceVersion,
): boolean {
  const { operations, apiGroups, apiVersions, resources = [], resourceNames, scope } = rule;
  return (
    names(operations, request.operation) &&
    names(apiGroups, as.group) &&
    names(apiVersions, as.version) &&
    inScope(scope, request) &&
    resources.some(each => namesResource(each, as.resource, request.subresource)) &&
    (!resourceNames?.length || resourceNames.includes(request.name))
  );
}

/**
 * The least that an admission plugin must be called for, so that it sees all requests that one of
 * the rules is about. Groups and versions are left open: a rule may also mean the same objects
 * under other names.
 */
export function admissionRules(rules: readonly NamedRuleWithOperations[]): AdmissionRule[] {
  return rules.map(({ operations = [], resources = [] }) => ({
    operations: operations.includes('*') ? ALL_OPERATIONS : (operations as AdmissionOperation[]),
    groups: ['*'],
    resources: resources.map(each => (each.startsWith('*/') || each.endsWith('/*') ? '*/*' : each)),
  }));
}

/** Webhooks and policies must not keep anybody from changing webhooks and policies. */
export function isExempt({ group, resource }: AdmissionRequest): boolean {
  return group === 'admissionregistration.k8s.io' && CONFIGURATIONS.has(resource);
}

const ALL_OPERATIONS: readonly AdmissionOperation[] = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

const CONFIGURATIONS: ReadonlySet<string> = new Set([
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
]);

function names(words: readonly string[] | undefined, word: string): boolean {
  return words !== undefined && (words.includes('*') || words.includes(word));
}

function namesResource(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const wanted = slash < 0 ? pattern : pattern.slice(0, slash);
  const below = slash < 0 ? '' : pattern.slice(slash + 1);
  if (wanted !== '*' && wanted !== resource) return false;
  return below === subresource || below === '*';
}

/** A namespace is no object in a namespace, though requests for it name one. */
function inScope(scope: string | undefined, request: AdmissionRequest): boolean {
  const { group, resource, namespace } = request;
  const isCluster = namespace === '' || (group === '' && resource === 'namespaces');
  if (scope === 'Namespaced') return !isCluster;
  return scope !== 'Cluster' || isCluster;
}
