import type {
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
} from '../api/types-core-v1.ts';
import { type FieldPath, forbiddenValue, invalidValue, required } from '../field-path.ts';
import { nameFindings, validateLabelName } from '../label-validation.ts';
import { dns1123SubdomainErrors, labelValueErrors } from '../names.ts';
import type { FieldError } from '../status.ts';

export function validateNodeSelector(selector: NodeSelector, path: FieldPath): FieldError[] {
  const terms = path.child('nodeSelectorTerms');
  if ((selector.nodeSelectorTerms ?? []).length === 0) {
    return [required(terms, 'must have at least one node selector term')];
  }
  return selector.nodeSelectorTerms.flatMap((term, i) =>
    validateNodeSelectorTerm(term, terms.index(i)),
  );
}

export function validateNodeSelectorTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  path: FieldPath,
): FieldError[] {
  return [
    ...matchExpressions.flatMap((requirement, i) =>
      validateExpression(requirement, path.child('matchExpressions').index(i)),
    ),
    ...matchFields.flatMap((requirement, i) =>
      validateField(requirement, path.child('matchFields').index(i)),
    ),
  ];
}

function validateExpression(
  { key = '', operator = '', values = [] }: NodeSelectorRequirement,
  path: FieldPath,
): FieldError[] {
  const errors = validateOperator(operator, values, path);
  errors.push(...validateLabelName(key, path.child('key')));
  for (const [i, value] of values.entries()) {
    errors.push(...nameFindings(path.child('values').index(i), value, labelValueErrors(value)));
  }
  return errors;
}

function validateOperator(
  operator: string,
  values: readonly string[],
  path: FieldPath,
): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0
        ? []
        : [required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'")];
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0
        ? []
        : [
            forbiddenValue(
              path.child('values'),
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          ];
    case 'Gt':
    case 'Lt':
      return values.length === 1
        ? []
        : [
            required(
              path.child('values'),
              "must be specified single value when `operator` is 'Lt' or 'Gt'",
            ),
          ];
    default:
      return [invalidValue(path.child('operator'), operator, 'not a valid selector operator')];
  }
}

/** A requirement on a field: only the node's name can be asked for. */
function validateField(
  { key = '', operator = '', values = [] }: NodeSelectorRequirement,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalidValue(path.child('operator'), operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(path.child('values'), why));
  }
  if (key !== 'metadata.name') {
    errors.push(invalidValue(path.child('key'), key, 'not a valid field selector key'));
    return errors;
  }
  for (const [i, value] of values.entries()) {
    errors.push(
      ...nameFindings(path.child('values').index(i), value, dns1123SubdomainErrors(value)),
    );
  }
  return errors;
}
