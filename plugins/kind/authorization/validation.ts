import {
  type authorizationV1,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  invalidValue,
  type LocalSubjectAccessReview,
  type ObjectMeta,
  required,
  type SelfSubjectAccessReview,
  type SelfSubjectAccessReviewSpec,
  type SubjectAccessReview,
  type SubjectAccessReviewSpec,
} from 'kernetes/sdk';

const SPEC = fieldPath('spec');

export function validateReview({ metadata, spec }: SubjectAccessReview): FieldError[] {
  return [...validateSubjectSpec(spec ?? {}), ...emptyMetadata(metadata, 'must be empty')];
}

export function validateSelfReview({ metadata, spec }: SelfSubjectAccessReview): FieldError[] {
  return [...validateSpec(spec ?? {}), ...emptyMetadata(metadata, 'must be empty')];
}

export function validateLocalReview({ metadata, spec }: LocalSubjectAccessReview): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec ?? {};
  const { namespace = '', ...rest } = metadata;
  const errors = validateSubjectSpec(spec ?? {});
  errors.push(...emptyMetadata(rest, 'must be empty except for namespace'));
  if (resourceAttributes && (resourceAttributes.namespace ?? '') !== namespace) {
    const path = SPEC.child('resourceAttributes').child('namespace');
    errors.push(
      invalidValue(path, resourceAttributes.namespace ?? '', 'must match metadata.namespace'),
    );
  }
  if (nonResourceAttributes) {
    const why = 'disallowed on this kind of request';
    errors.push(invalidValue(SPEC.child('nonResourceAttributes'), nonResourceAttributes, why));
  }
  return errors;
}

function validateSubjectSpec(spec: SubjectAccessReviewSpec): FieldError[] {
  const { group } = spec as { readonly group?: readonly string[] };
  const errors = validateTarget(spec);
  if (!spec.user && !spec.groups?.length && !group?.length) {
    const why = 'at least one of user or group must be specified';
    errors.push(invalidValue(SPEC.child('user'), spec.user ?? '', why));
  }
  return [...errors, ...validateSelectors(spec)];
}

function validateSpec(spec: SelfSubjectAccessReviewSpec): FieldError[] {
  return [...validateTarget(spec), ...validateSelectors(spec)];
}

function validateTarget(spec: SelfSubjectAccessReviewSpec): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes';
    return [invalidValue(SPEC.child('nonResourceAttributes'), nonResourceAttributes, why)];
  }
  if (resourceAttributes || nonResourceAttributes) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalidValue(SPEC.child('resourceAttributes'), null, why)];
}

type SelectorAttributes =
  | authorizationV1.FieldSelectorAttributes
  | authorizationV1.LabelSelectorAttributes;

function validateSelectors({ resourceAttributes }: SelfSubjectAccessReviewSpec): FieldError[] {
  const path = SPEC.child('resourceAttributes');
  const { fieldSelector, labelSelector } = resourceAttributes ?? {};
  return [
    ...validateSelector(fieldSelector, path.child('fieldSelector')),
    ...validateSelector(labelSelector, path.child('labelSelector')),
  ];
}

function validateSelector(selector: SelectorAttributes | undefined, path: FieldPath): FieldError[] {
  if (selector === undefined) return [];
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector && requirements.length > 0) {
    const why = 'may not specified at the same time as requirements';
    return [invalidValue(path.child('rawSelector'), rawSelector, why)];
  }
  if (rawSelector === '' && requirements.length === 0) {
    const why = `when ${path} is specified, requirements or rawSelector is required`;
    return [required(path.child('requirements'), why)];
  }
  return requirements.flatMap((each, i) => {
    return validateRequirement(each, path.child('requirements').index(i));
  });
}

/** Operators that nobody knows are let through: newer clients may have them. */
function validateRequirement(
  { key, operator, values = [] }: { key?: string; operator?: string; values?: string[] },
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const takesValues = operator === 'In' || operator === 'NotIn';
  const takesNone = operator === 'Exists' || operator === 'DoesNotExist';
  if (takesValues && values.length === 0) {
    const why = "must be specified when `operator` is 'In' or 'NotIn'";
    errors.push(required(path.child('values'), why));
  }
  if (takesNone && values.length > 0) {
    const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
    errors.push(forbiddenValue(path.child('values'), why));
  }
  if (!key) errors.push(required(path.child('key'), 'must be specified'));
  return errors;
}

function emptyMetadata(metadata: ObjectMeta | undefined, why: string): FieldError[] {
  const { managedFields, ...rest } = metadata ?? {};
  const isEmpty = Object.values(rest).every(value => value === undefined || value === null);
  return isEmpty ? [] : [invalidValue(fieldPath('metadata'), rest, why)];
}
