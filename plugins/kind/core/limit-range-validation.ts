import {
  allowsOvercommit,
  canonicalQuantity,
  compareQuantities,
  duplicate,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  invalidValue,
  type LimitRange,
  type LimitRangeItem,
  nameFindings,
  parseQuantity,
  qualifiedNameErrors,
  quantityValue,
  required,
  validateResourceName,
} from 'kernetes/sdk';

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const types = new Set<string>();
  for (const [i, item] of (spec?.limits ?? []).entries()) {
    const path = fieldPath('spec', 'limits').index(i);
    const { type = '' } = item;
    errors.push(...validateType(type, path.child('type')));
    if (types.has(type)) errors.push(duplicate(path.child('type'), type));
    types.add(type);
    errors.push(...validateNames(item, path));
    errors.push(...validateStorage(item, path));
    for (const name of namesIn(item)) errors.push(...validateBounds(item, name, path));
  }
  return errors;
}

function validateType(type: string, path: FieldPath): FieldError[] {
  const errors = nameFindings(path, type, qualifiedNameErrors(type));
  if (errors.length > 0 || type.includes('/') || STANDARD_TYPES.has(type)) return errors;
  return [invalidValue(path, type, 'must be a standard limit type or fully qualified')];
}

function validateNames(item: LimitRangeItem, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of FIELDS) {
    if (item.type === 'Pod' && (field === 'default' || field === 'defaultRequest')) {
      if (Object.keys(item[field] ?? {}).length === 0) continue;
      const why = "may not be specified when `type` is 'Pod'";
      errors.push(forbiddenValue(path.child(field), why));
      continue;
    }
    for (const name of Object.keys(item[field] ?? {}).sort()) {
      errors.push(...validateResourceName(name, path.child(field).key(name)));
    }
  }
  return errors;
}

function validateStorage({ type, min, max }: LimitRangeItem, path: FieldPath): FieldError[] {
  if (type !== 'PersistentVolumeClaim' || min?.storage || max?.storage) return [];
  const why = 'either minimum or maximum storage value is required, but neither was provided';
  return [required(path.child('limits'), why)];
}

/** Each pair of values that must not be the wrong way round. */
function validateBounds(item: LimitRangeItem, name: string, path: FieldPath): FieldError[] {
  const [min, max] = [item.min?.[name], item.max?.[name]];
  const [limit, request] = [item.default?.[name], item.defaultRequest?.[name]];
  const ratio = item.maxLimitRequestRatio?.[name];
  const errors: FieldError[] = [];
  const order = (field: keyof LimitRangeItem, value: string, why: string) => {
    errors.push(invalidValue(path.child(field).key(name), canonicalQuantity(value), why));
  };
  if (isAbove(min, max)) order('min', min, `min value ${min} is greater than max value ${max}`);
  if (isAbove(min, request)) {
    const why = `min value ${min} is greater than default request value ${request}`;
    order('defaultRequest', request ?? '', why);
  }
  if (isAbove(request, max)) {
    const why = `default request value ${request} is greater than max value ${max}`;
    order('defaultRequest', request, why);
  }
  if (isAbove(request, limit)) {
    const why = `default request value ${request} is greater than default limit value ${limit}`;
    order('defaultRequest', request, why);
  }
  if (isAbove(min, limit)) {
    order('default', min, `min value ${min} is greater than default value ${limit}`);
  }
  if (isAbove(limit, max)) {
    order('default', max ?? '', `default value ${limit} is greater than max value ${max}`);
  }
  if (isAbove('1', ratio)) {
    order('maxLimitRequestRatio', ratio ?? '', `ratio ${ratio} is less than 1`);
  }
  const greatest = min && max ? quantityValue(max) / quantityValue(min) : Number.POSITIVE_INFINITY;
  if (ratio && quantityValue(ratio) > greatest) {
    const why = `ratio ${ratio} is greater than max/min = ${greatest.toFixed(6)}`;
    order('maxLimitRequestRatio', ratio, why);
  }
  if (!allowsOvercommit(name) && limit && request && compare(limit, request) !== 0) {
    const why = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
    errors.push(invalidValue(path.child('defaultRequest'), request, why));
  }
  return errors;
}

function isAbove(a: string | undefined, b: string | undefined): a is string {
  return a !== undefined && b !== undefined && compare(a, b) > 0;
}

function compare(a: string, b: string): number {
  return compareQuantities(parseQuantity(a), parseQuantity(b));
}

function namesIn(item: LimitRangeItem): string[] {
  return [...new Set(FIELDS.flatMap(field => Object.keys(item[field] ?? {})))].sort();
}

const STANDARD_TYPES = new Set(['Pod', 'Container', 'PersistentVolumeClaim']);
const FIELDS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;
