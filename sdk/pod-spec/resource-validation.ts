import type { ResourceRequirements } from '../api/types-core-v1.ts';
import {
  duplicate,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  required,
  valueNotFound,
} from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { qualifiedNameErrors } from '../names.ts';
import {
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  quantityMilliValue,
} from '../quantity.ts';
import type { FieldError } from '../status.ts';
import {
  allowsOvercommit,
  isExtendedResource,
  isHugePageResource,
  isIntegerResource,
  isNativeResource,
  isStandardContainerResource,
  isStandardResource,
} from './resource-names.ts';

type Resources = Readonly<Record<string, string>>;

/** A container's `resources`. `claims`: the names in the pod's `resourceClaims`. */
export function validateResourceRequirements(
  { limits = {}, requests = {}, claims = [] }: ResourceRequirements,
  path: FieldPath,
  claimNames: ReadonlySet<string> = new Set(),
): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of Object.keys(limits).sort()) {
    errors.push(...validateContainerQuantity(name, limits, path.child('limits')));
  }
  for (const name of Object.keys(requests).sort()) {
    errors.push(...validateContainerQuantity(name, requests, path.child('requests')));
    errors.push(...validateAgainstLimit(name, { limits, requests }, path));
  }
  const hasCpuOrMemory = [limits, requests].some(each => 'cpu' in each || 'memory' in each);
  if (!hasCpuOrMemory && Object.keys({ ...limits, ...requests }).some(isHugePageResource)) {
    errors.push(forbiddenValue(path, 'HugePages require cpu or memory'));
  }
  if (claims.length === 0) return errors;
  const seen = new Set<string>();
  for (const [i, { name, request = '' }] of claims.entries()) {
    const claimPath = path.child('claims').index(i);
    if (!name) errors.push(required(claimPath.child('name')));
    else if (!claimNames.has(name)) errors.push(valueNotFound(claimPath.child('name'), name));
    const key = `${name}/${request}`;
    if (seen.has(key)) errors.push(duplicate(claimPath, name));
    seen.add(key);
  }
  return errors;
}

/** The name of a resource wherever one may stand. */
export function validateResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = nameFindings(path, name, qualifiedNameErrors(name));
  if (errors.length > 0 || name.includes('/') || isStandardResource(name)) return errors;
  return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
}

/** A quantity: not negative, and whole where only whole ones make sense. */
export function validateResourceQuantity(
  name: string,
  text: string,
  path: FieldPath,
): FieldError[] {
  const errors = validateNonNegativeQuantity(text, path);
  if (isIntegerResource(name) && !isWhole(text)) {
    errors.push(invalidValue(path, canonicalQuantity(text), 'must be an integer'));
  }
  return errors;
}

export function validateNonNegativeQuantity(text: string, path: FieldPath): FieldError[] {
  // Rounding is away from zero: what is below stays below.
  if (quantityMilliValue(text) >= 0) return [];
  return [invalidValue(path, canonicalQuantity(text), 'must be greater than or equal to 0')];
}

function validateContainerQuantity(
  name: string,
  resources: Resources,
  parent: FieldPath,
): FieldError[] {
  const path = parent.key(name);
  const errors = validateContainerResourceName(name, path);
  errors.push(...validateResourceQuantity(name, resources[name] ?? '0', path));
  return errors;
}

function validateContainerResourceName(name: string, path: FieldPath): FieldError[] {
  const errors = validateResourceName(name, path);
  if (errors.length > 0) return errors;
  if (!name.includes('/')) {
    if (isStandardContainerResource(name)) return [];
    return [invalidValue(path, name, 'must be a standard resource for containers')];
  }
  if (isNativeResource(name) || isExtendedResource(name)) return [];
  return [invalidValue(path, name, "doesn't follow extended resource name standard")];
}

function validateAgainstLimit(
  name: string,
  { limits, requests }: { readonly limits: Resources; readonly requests: Resources },
  path: FieldPath,
): FieldError[] {
  const [limit, request = '0'] = [limits[name], requests[name]];
  if (limit === undefined) {
    if (allowsOvercommit(name)) return [];
    return [required(path.child('limits'), 'Limit must be set for non overcommitable resources')];
  }
  const order =
    request === limit ? 0 : compareQuantities(parseQuantity(request), parseQuantity(limit));
  const relation = allowsOvercommit(name) ? 'less than or equal to' : 'equal to';
  if (order === 0 || (order < 0 && allowsOvercommit(name))) return [];
  const why = `must be ${relation} ${name} limit of ${canonicalQuantity(limit)}`;
  return [invalidValue(path.child('requests'), canonicalQuantity(request), why)];
}

function isWhole(text: string): boolean {
  const { mantissa, scale } = parseQuantity(text);
  return scale >= 0 || mantissa % 10n ** BigInt(-scale) === 0n;
}
