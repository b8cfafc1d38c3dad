import {
  type AuditAnnotation,
  type CelResultType,
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  duplicate,
  environment,
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  labelKeyErrors,
  type MatchResources,
  notSupported,
  type ParamKind,
  required,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicySpec,
  type Validation,
  type Variable,
} from 'kernetes/sdk';
import type { Expressions } from './expressions.ts';
import { validateConditions, validateMatchResources } from './match-validation.ts';

type Spec = ValidatingAdmissionPolicySpec;

const FAILURE_POLICIES = ['Fail', 'Ignore'];
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const ANNOTATIONS_MAX = 20;
const VALUE_EXPRESSION_BYTES_MAX = 5 * 1024;
const SPEC = fieldPath('spec');

/** What the expressions of a policy can name so far. */
interface Scope {
  readonly expressions: Expressions;
  readonly params: boolean;
  readonly variables: Record<string, CelResultType>;
}

/** Beside metadata; in upstream's order and words. */
export function validatePolicy(
  { metadata, spec = {} }: ValidatingAdmissionPolicy,
  expressions: Expressions,
): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables = [] } = spec;
  const errors: FieldError[] = [];
  if (failurePolicy === undefined) errors.push(required(SPEC.child('failurePolicy')));
  else if (!FAILURE_POLICIES.includes(failurePolicy)) {
    errors.push(notSupported(SPEC.child('failurePolicy'), failurePolicy, FAILURE_POLICIES));
  }
  if (paramKind) errors.push(...validateParamKind(paramKind, SPEC.child('paramKind')));
  errors.push(...validateConstraints(matchConstraints, SPEC.child('matchConstraints')));
  const params = paramKind !== undefined;
  const known = { expressions, params, namespaceObject: true };
  errors.push(...validateConditions(matchConditions, SPEC.child('matchConditions'), known));
  const scope: Scope = { expressions, params, variables: {} };
  for (const [i, variable] of variables.entries()) {
    errors.push(...validateVariable(variable, SPEC.child('variables').index(i), scope));
  }
  return [...errors, ...validateChecks(spec, metadata.name ?? '', scope)];
}

function validateParamKind(
  { apiVersion = '', kind = '' }: ParamKind,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const parts = apiVersion.split('/');
  const version = path.child('apiVersion');
  if (apiVersion === '') errors.push(required(version));
  else if (parts.length > 2) {
    const why = `unexpected GroupVersion string: ${apiVersion}`;
    errors.push(invalidValue(version, apiVersion, why));
  } else {
    const group = parts.length === 2 ? (parts[0] ?? '') : '';
    const wrong = group === '' ? undefined : dns1123SubdomainErrors(group);
    if (wrong) errors.push(invalidValue(version, apiVersion, wrong.join(',')));
    const name = dns1035LabelErrors(parts.at(-1) ?? '');
    if (name) errors.push(invalidValue(version, apiVersion, name.join(',')));
  }
  if (kind === '') errors.push(required(path.child('kind')));
  const wrong = kind === '' ? undefined : dns1035LabelErrors(kind.toLowerCase());
  if (wrong) {
    const why = `may have mixed case, but should otherwise match: ${wrong.join(',')}`;
    errors.push(invalidValue(path.child('kind'), kind, why));
  }
  return errors;
}

function validateConstraints(match: MatchResources | undefined, path: FieldPath): FieldError[] {
  if (match === undefined) return [required(path)];
  const errors = validateMatchResources(match, path);
  // Without a rule there is nothing to tell the type of the object by.
  if (!match.resourceRules?.length) errors.push(required(path.child('resourceRules')));
  return errors;
}

function validateVariable(
  { name = '', expression = '' }: Variable,
  path: FieldPath,
  scope: Scope,
): FieldError[] {
  const errors: FieldError[] = [];
  if (name.trim() === '') errors.push(required(path.child('name'), 'name is not specified'));
  else if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
    errors.push(invalidValue(path.child('name'), name, 'name is not a valid CEL identifier'));
  }
  if (expression.trim() === '') {
    return [...errors, required(path.child('expression'), 'expression is not specified')];
  }
  const options = { ...optionsOf(scope), result: 'any' } as const;
  const found = scope.expressions.check(expression, path.child('expression'), options);
  scope.variables[name] = found.type;
  return [...errors, ...found.errors];
}

function validateChecks(
  { validations = [], auditAnnotations = [] }: Spec,
  policy: string,
  scope: Scope,
): FieldError[] {
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    return [
      required(SPEC.child('validations'), why),
      required(SPEC.child('auditAnnotations'), why),
    ];
  }
  const errors = validations.flatMap((each, i) =>
    validateValidation(each, SPEC.child('validations').index(i), scope),
  );
  const path = SPEC.child('auditAnnotations');
  if (auditAnnotations.length > ANNOTATIONS_MAX) {
    const why = `must not have more than ${ANNOTATIONS_MAX} auditAnnotations`;
    errors.push(invalidValue(path, auditAnnotations, why));
  }
  const keys = new Set<string>();
  for (const [i, each] of auditAnnotations.entries()) {
    const at = path.index(i);
    errors.push(...validateAnnotation(each, at, { policy, scope }));
    if (keys.has(each.key)) errors.push(duplicate(at.child('key'), each.key));
    keys.add(each.key);
  }
  return errors;
}

function validateValidation(validation: Validation, path: FieldPath, scope: Scope): FieldError[] {
  const { expression = '', message, messageExpression, reason } = validation;
  const errors: FieldError[] = [];
  const options = optionsOf(scope);
  if (expression.trim() === '') {
    errors.push(required(path.child('expression'), 'expression is not specified'));
  } else {
    const at = path.child('expression');
    errors.push(...scope.expressions.check(expression, at, options).errors);
  }
  const at = path.child('messageExpression');
  if (messageExpression?.trim()) {
    const text = { ...options, result: 'string' } as const;
    errors.push(...scope.expressions.check(messageExpression, at, text).errors);
  } else if (messageExpression) {
    errors.push(invalidValue(at, messageExpression, 'must be non-empty if specified'));
  }
  errors.push(...validateMessage(message, expression, path.child('message')));
  if (reason !== undefined && !REASONS.includes(reason)) {
    errors.push(notSupported(path.child('reason'), reason, REASONS));
  }
  return errors;
}

function validateMessage(
  message: string | undefined,
  expression: string,
  path: FieldPath,
): FieldError[] {
  const trimmed = message?.trim() ?? '';
  if (message && trimmed === '') {
    return [invalidValue(path, message, 'message must be non-empty if specified')];
  }
  if (/[\r\n]/.test(trimmed)) {
    return [invalidValue(path, message, 'message must not contain line breaks')];
  }
  if (trimmed !== '' || !/[\r\n]/.test(expression.trim())) return [];
  return [required(path, 'message must be specified if expression contains line breaks')];
}

function validateAnnotation(
  { key = '', valueExpression = '' }: AuditAnnotation,
  path: FieldPath,
  { policy, scope }: { readonly policy: string; readonly scope: Scope },
): FieldError[] {
  const errors = (labelKeyErrors(`${policy}/${key}`) ?? []).map(why =>
    invalidValue(path.child('key'), key, why),
  );
  const at = path.child('valueExpression');
  if (valueExpression.trim() === '') {
    return [...errors, required(at, 'valueExpression is not specified')];
  }
  if (Buffer.byteLength(valueExpression.trim()) > VALUE_EXPRESSION_BYTES_MAX) {
    const why = `must not exceed ${VALUE_EXPRESSION_BYTES_MAX} bytes in length`;
    return [...errors, required(at, why)];
  }
  const options = { ...optionsOf(scope), result: 'string-or-null' } as const;
  return [...errors, ...scope.expressions.check(valueExpression, at, options).errors];
}

function optionsOf({ params, variables }: Scope) {
  const known = environment({ params, variables, namespaceObject: true });
  return { variables: known, authorizer: true };
}

const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
