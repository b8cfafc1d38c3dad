import {
  duplicate,
  environment,
  type FieldError,
  type FieldPath,
  invalidValue,
  labelKeyErrors,
  type MatchCondition,
  type MatchResources,
  notSupported,
  required,
  tooMany,
  validateLabelSelector,
} from 'kernetes/sdk';
import type { Expressions } from './expressions.ts';
import { validateNamedRule } from './rule-validation.ts';

export const MATCH_POLICIES = ['Equivalent', 'Exact'];
const CONDITIONS_MAX = 64;

export interface ConditionOptions {
  readonly expressions: Expressions;
  /** Those of a policy with parameters may name them. */
  readonly params?: boolean;
  readonly namespaceObject?: boolean;
}

export function validateConditions(
  conditions: readonly MatchCondition[] = [],
  path: FieldPath,
  { expressions, ...known }: ConditionOptions,
): FieldError[] {
  const errors: FieldError[] = [];
  if (conditions.length > CONDITIONS_MAX) {
    errors.push(tooMany(path, conditions.length, CONDITIONS_MAX));
  }
  const names = new Set<string>();
  for (const [i, { name = '', expression = '' }] of conditions.entries()) {
    const at = path.index(i);
    if (expression.trim() === '') errors.push(required(at.child('expression')));
    else {
      const options = { variables: environment(known), authorizer: true };
      errors.push(...expressions.check(expression, at.child('expression'), options).errors);
    }
    if (name === '') errors.push(required(at.child('name')));
    const wrong = name === '' ? undefined : labelKeyErrors(name);
    if (wrong) errors.push(invalidValue(at.child('name'), name, wrong.join(',')));
    if (name !== '' && names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
  }
  return errors;
}

export function validateMatchResources(match: MatchResources, path: FieldPath): FieldError[] {
  const { matchPolicy, namespaceSelector, objectSelector } = match;
  const errors: FieldError[] = [];
  if (matchPolicy === undefined) errors.push(required(path.child('matchPolicy')));
  else if (!MATCH_POLICIES.includes(matchPolicy)) {
    errors.push(notSupported(path.child('matchPolicy'), matchPolicy, MATCH_POLICIES));
  }
  const selectors = { namespaceSelector, objectSelector };
  for (const [name, selector] of Object.entries(selectors)) {
    if (selector === undefined) errors.push(required(path.child(name)));
    errors.push(...validateLabelSelector(selector, path.child(name)));
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [i, rule] of (match[field] ?? []).entries()) {
      errors.push(...validateNamedRule(rule, path.child(field).index(i)));
    }
  }
  return errors;
}
