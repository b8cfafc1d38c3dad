import {
  dns1123SubdomainErrors,
  duplicate,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  type ParamRef,
  pathSegmentErrors,
  required,
  type ValidatingAdmissionPolicyBinding,
  validateLabelSelector,
} from 'kernetes/sdk';
import { validateMatchResources } from './match-validation.ts';

const ACTIONS = ['Audit', 'Deny', 'Warn'];
const NOT_FOUND_ACTIONS = ['Allow', 'Deny'];
const SPEC = fieldPath('spec');

/** Beside metadata; in upstream's order and words. */
export function validateBinding({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const { policyName = '', paramRef, matchResources, validationActions = [] } = spec ?? {};
  const errors: FieldError[] = [];
  const path = SPEC.child('policyName');
  if (policyName === '') errors.push(required(path));
  else {
    const wrong = dns1123SubdomainErrors(policyName) ?? [];
    errors.push(...wrong.map(why => invalidValue(path, policyName, why)));
  }
  if (paramRef) errors.push(...validateParamRef(paramRef, SPEC.child('paramRef')));
  if (matchResources) {
    errors.push(...validateMatchResources(matchResources, SPEC.child('matchResources')));
  }
  return [...errors, ...validateActions(validationActions, SPEC.child('validationActions'))];
}

function validateParamRef(
  { name, selector, parameterNotFoundAction: action }: ParamRef,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const both = 'name and selector are mutually exclusive';
  if (name) {
    const at = path.child('name');
    errors.push(...(pathSegmentErrors(name) ?? []).map(why => invalidValue(at, name, why)));
    if (selector) errors.push(forbiddenValue(at, both));
  }
  if (selector) {
    errors.push(...validateLabelSelector(selector, path.child('selector')));
    if (name) errors.push(forbiddenValue(path.child('selector'), both));
  }
  if (!name && !selector) errors.push(required(path, 'one of name or selector must be specified'));
  const at = path.child('parameterNotFoundAction');
  if (!action) errors.push(required(at));
  else if (!NOT_FOUND_ACTIONS.includes(action)) {
    errors.push(notSupported(at, action, NOT_FOUND_ACTIONS));
  }
  return errors;
}

function validateActions(actions: readonly string[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, action] of actions.entries()) {
    if (!ACTIONS.includes(action)) errors.push(notSupported(path.index(i), action, ACTIONS));
    if (actions.indexOf(action) < i) errors.push(duplicate(path.index(i), action));
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in ' +
      'the API response and headers serves no purpose)';
    errors.push(invalidValue(path, actions, why));
  }
  if (actions.length === 0) {
    errors.push(required(path, 'at least one validation action is required'));
  }
  return errors;
}
