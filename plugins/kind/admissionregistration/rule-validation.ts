import {
  type FieldError,
  type FieldPath,
  invalidValue,
  type NamedRuleWithOperations,
  notSupported,
  pathSegmentErrors,
  required,
} from 'kernetes/sdk';

type Rule = NamedRuleWithOperations;

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];

/** Which requests a webhook or a policy is about; in upstream's order and words. */
export function validateRule(rule: Rule, path: FieldPath): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const errors = wildcardAlone(operations, path.child('operations'), 'operations');
  for (const [i, operation] of operations.entries()) {
    if (OPERATIONS.includes(operation)) continue;
    errors.push(notSupported(path.child('operations').index(i), operation, OPERATIONS));
  }
  errors.push(...wildcardAlone(apiGroups, path.child('apiGroups'), 'API groups'));
  errors.push(...wildcardAlone(apiVersions, path.child('apiVersions'), 'API versions'));
  for (const [i, version] of apiVersions.entries()) {
    if (version === '') errors.push(required(path.child('apiVersions').index(i)));
  }
  errors.push(...validateResources(resources, path.child('resources')));
  if (scope !== undefined && !SCOPES.includes(scope)) {
    errors.push(notSupported(path.child('scope'), scope, SCOPES));
  }
  return errors;
}

export function validateNamedRule(rule: Rule, path: FieldPath): FieldError[] {
  const names = rule.resourceNames ?? [];
  const errors = names.flatMap((name, i) => {
    const at = path.child('resourceNames').index(i);
    return (pathSegmentErrors(name) ?? []).map(why => invalidValue(at, name, why));
  });
  return [...errors, ...validateRule(rule, path)];
}

function wildcardAlone(values: readonly string[], path: FieldPath, what: string): FieldError[] {
  if (values.length === 0) return [required(path)];
  if (values.length === 1 || !values.includes('*')) return [];
  return [invalidValue(path, values, `if '*' is present, must not specify other ${what}`)];
}

function validateResources(resources: readonly string[], path: FieldPath): FieldError[] {
  if (resources.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  const whole = new Set<string>();
  for (const [i, each] of resources.entries()) {
    const at = path.index(i);
    if (each === '') errors.push(required(at));
    const slash = each.indexOf('/');
    if (slash < 0) continue;
    for (const wide of [`${each.slice(0, slash)}/*`, `*/${each.slice(slash + 1)}`]) {
      if (!whole.has(wide)) continue;
      errors.push(invalidValue(at, each, `if '${wide}' is present, must not specify ${each}`));
    }
    if (each.startsWith('*/') || each.endsWith('/*')) whole.add(each);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(
      invalidValue(path, resources, "if '*/*' is present, must not specify other resources"),
    );
  }
  const plain = resources.filter(each => !each.includes('/'));
  if (plain.length > 1 && plain.includes('*')) {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalidValue(path, resources, why));
  }
  return errors;
}
