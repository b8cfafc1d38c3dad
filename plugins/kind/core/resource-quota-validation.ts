import {
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  isStandardQuotaResource,
  nameFindings,
  qualifiedNameErrors,
  type ResourceQuota,
  required,
  type ScopedResourceSelectorRequirement,
  validateResourceQuantity,
} from 'kernetes/sdk';

export function validateQuota({ spec }: ResourceQuota): FieldError[] {
  const path = fieldPath('spec');
  const expressions = spec?.scopeSelector?.matchExpressions ?? [];
  const names = expressions.map(({ scopeName }) => scopeName);
  const selectorPath = path.child('scopeSelector', 'matchExpressions');
  return [
    ...validateResources(spec?.hard, path.child('hard')),
    ...validateScopes(spec?.scopes ?? [], path.child('scopes')),
    ...expressions.flatMap(expression => validateExpression(expression, selectorPath)),
    ...validateScopes(names, selectorPath),
  ];
}

export function validateQuotaStatus({ status }: ResourceQuota): FieldError[] {
  const path = fieldPath('status');
  return [
    ...validateResources(status?.hard, path.child('hard')),
    ...validateResources(status?.used, path.child('used')),
  ];
}

function validateResources(
  resources: Readonly<Record<string, string>> = {},
  parent: FieldPath,
): FieldError[] {
  return Object.keys(resources)
    .sort()
    .flatMap(name => [
      ...validateName(name, parent.key(name)),
      ...validateResourceQuantity(name, resources[name] ?? '0', parent.key(name)),
    ]);
}

function validateName(name: string, path: FieldPath): FieldError[] {
  const errors = nameFindings(path, name, qualifiedNameErrors(name));
  if (name.includes('/') || isStandardQuotaResource(name)) return errors;
  return [...errors, invalidValue(path, name, 'must be a standard resource for quota')];
}

function validateScopes(scopes: readonly string[], path: FieldPath): FieldError[] {
  const errors = scopes
    .filter(scope => !SCOPES.has(scope))
    .map(() => invalidValue(path, scopes, 'unsupported scope'));
  for (const [one, other] of CONTRADICTIONS) {
    if (scopes.includes(one) && scopes.includes(other)) {
      errors.push(invalidValue(path, scopes, 'conflicting scopes'));
    }
  }
  return errors;
}

function validateExpression(
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  path: FieldPath,
): FieldError[] {
  if (operator === 'In' || operator === 'NotIn') {
    if (EXISTS_ONLY.has(scopeName)) {
      const why = `must be 'Exist' when scope is any of ${[...EXISTS_ONLY].join(', ')}`;
      return [invalidValue(path.child('operator'), operator, why)];
    }
    if (values.length > 0) return [];
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    return [required(path.child('values'), why)];
  }
  if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length === 0) return [];
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    return [invalidValue(path.child('values'), values, why)];
  }
  return [invalidValue(path.child('operator'), operator, 'not a valid selector operator')];
}

const EXISTS_ONLY = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'CrossNamespacePodAffinity',
]);
const SCOPES = new Set([...EXISTS_ONLY, 'PriorityClass', 'VolumeAttributesClass']);
const CONTRADICTIONS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
