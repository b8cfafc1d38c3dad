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
  const scopes = spec?.scopes ?? [];
  const expressions = spec?.scopeSelector?.matchExpressions ?? [];
  const selectorPath = path.child('scopeSelector', 'matchExpressions');
  const limits = Object.keys(spec?.hard ?? {});
  const misapplied = (scope: string, at: FieldPath, value: unknown) =>
    limits
      .filter(name => isStandardQuotaResource(name) && !mayBeScoped(name, scope))
      .map(() => invalidValue(at, value, 'unsupported scope applied to resource'));
  return [
    ...validateResources(spec?.hard, path.child('hard')),
    ...scopes.flatMap(scope => [
      ...validateScope(scope, path.child('scopes'), scopes),
      ...misapplied(scope, path.child('scopes'), scopes),
    ]),
    ...validateTogether(scopes, path.child('scopes')),
    ...expressions.flatMap(expression => [
      ...validateScope(expression.scopeName, selectorPath.child('scopeName'), expression.scopeName),
      ...misapplied(expression.scopeName, selectorPath, spec?.scopeSelector),
      ...validateExpression(expression, selectorPath),
    ]),
    ...validateTogether(
      expressions.map(({ scopeName }) => scopeName),
      selectorPath,
    ),
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

function validateScope(scope: string, path: FieldPath, value: unknown): FieldError[] {
  return SCOPES.has(scope) ? [] : [invalidValue(path, value, 'unsupported scope')];
}

/** Scopes of pods are for what all pods have, as upstream: not for storage or huge pages. */
function mayBeScoped(name: string, scope: string): boolean {
  if (scope === 'VolumeAttributesClass') return CLAIM_RESOURCES.has(name);
  if (!SCOPES.has(scope) || name === 'pods') return true;
  return scope !== 'BestEffort' && COMPUTE_RESOURCES.has(name);
}

function validateTogether(scopes: readonly string[], path: FieldPath): FieldError[] {
  return CONTRADICTIONS.filter(pair => pair.every(scope => scopes.includes(scope))).map(() =>
    invalidValue(path, scopes, 'conflicting scopes'),
  );
}

function validateExpression(
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (EXISTS_ONLY.has(scopeName) && operator !== 'Exists') {
    errors.push(invalidValue(path.child('operator'), operator, EXISTS_WANTED));
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length > 0) return errors;
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    return [...errors, required(path.child('values'), why)];
  }
  if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length === 0) return errors;
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    return [...errors, invalidValue(path.child('values'), values, why)];
  }
  return [
    ...errors,
    invalidValue(path.child('operator'), operator, 'not a valid selector operator'),
  ];
}

const EXISTS_ONLY = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'CrossNamespacePodAffinity',
]);
const EXISTS_WANTED =
  "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, " +
  'ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ' +
  'ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity';
const COMPUTE_RESOURCES = new Set(
  ['cpu', 'memory'].flatMap(name => [name, `requests.${name}`, `limits.${name}`]),
);
const CLAIM_RESOURCES = new Set(['persistentvolumeclaims', 'requests.storage']);
const SCOPES = new Set([...EXISTS_ONLY, 'PriorityClass', 'VolumeAttributesClass']);
const CONTRADICTIONS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
