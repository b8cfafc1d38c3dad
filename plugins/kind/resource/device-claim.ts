import {
  type DeviceClaim,
  type DeviceConstraint,
  type DeviceRequest,
  type DeviceSubRequest,
  dns1123SubdomainErrors,
  type ExactDeviceRequest,
  type FieldError,
  type FieldPath,
  invalidValue,
  nameFindings,
  notSupported,
  required,
} from 'kernetes/sdk';
import { CONFIG_MAX, validateConfiguration } from './device-configuration.ts';
import { TOLERATIONS_MAX, validateToleration } from './device-taints.ts';
import { validateList, validateSet } from './lists.ts';
import { validateFullName, validateLabelForm } from './names.ts';
import type { Selectors } from './selectors.ts';

export const REQUESTS_MAX = 32;
const SUBREQUESTS_MAX = 8;
const CONSTRAINTS_MAX = 32;
const MODES = ['All', 'ExactCount'];
const itself = (name: string): string => name;

/** What a claim asks for: requests, what their devices have in common, and how to set them up. */
export function validateDeviceClaim(
  { requests, constraints, config }: DeviceClaim = {},
  path: FieldPath,
  selectors: Selectors,
): FieldError[] {
  const names = requestNames(requests);
  const references = (list: readonly string[] | undefined, at: FieldPath) =>
    validateReferences(list, at, names);
  return [
    ...validateSet(
      requests,
      { max: REQUESTS_MAX, path: path.child('requests'), key: ({ name }) => name },
      (request, at) => validateRequest(request, at, selectors),
    ),
    ...validateList(
      constraints,
      { max: CONSTRAINTS_MAX, path: path.child('constraints') },
      (constraint, at) => [
        ...references(constraint.requests, at.child('requests')),
        ...validateConstraint(constraint, at),
      ],
    ),
    ...validateList(config, { max: CONFIG_MAX, path: path.child('config') }, (each, at) => [
      ...references(each.requests, at.child('requests')),
      ...validateConfiguration(each, at),
    ]),
  ];
}

/** `gpu`, and `gpu/large` for each of several choices. */
export function requestNames(requests: readonly DeviceRequest[] = []): ReadonlySet<string> {
  return new Set(
    requests.flatMap(({ name, firstAvailable = [] }) => [
      name,
      ...firstAvailable.map(choice => `${name}/${choice.name}`),
    ]),
  );
}

export function validateReferences(
  list: readonly string[] | undefined,
  path: FieldPath,
  names: ReadonlySet<string>,
): FieldError[] {
  return validateSet(list, { max: REQUESTS_MAX, path, key: itself }, (name, at) =>
    validateReference(name, at, names),
  );
}

export function validateReference(
  name: string,
  path: FieldPath,
  names: ReadonlySet<string>,
): FieldError[] {
  const parts = name.split('/');
  if (parts.length > 2) return [invalidValue(path, name, NO_REQUEST)];
  const errors = parts.flatMap(part => validateLabelForm(part, path));
  return names.has(name) ? errors : [...errors, invalidValue(path, name, NO_REQUEST)];
}

const NO_REQUEST =
  'must be the name of a request in the claim or the name of a request and a subrequest ' +
  "separated by '/'";

function validateRequest(
  { name, exactly, firstAvailable = [] }: DeviceRequest,
  path: FieldPath,
  selectors: Selectors,
): FieldError[] {
  const errors = validateLabelForm(name, path.child('name'));
  const oneOf = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0) {
    errors.push(invalidValue(path, null, `${oneOf}, but multiple fields are set`));
  } else if (exactly) {
    errors.push(...validateChoice(exactly, path.child('exactly'), selectors));
  } else if (firstAvailable.length === 0) {
    errors.push(required(path, oneOf));
  }
  if (exactly) return errors;
  const limits = { max: SUBREQUESTS_MAX, path: path.child('firstAvailable') };
  const key = (choice: DeviceSubRequest) => choice.name;
  return [
    ...errors,
    ...validateSet(firstAvailable, { ...limits, key }, (choice, at) => [
      ...validateLabelForm(choice.name, at.child('name')),
      ...validateChoice(choice, at, selectors),
    ]),
  ];
}

function validateChoice(
  { deviceClassName, selectors, tolerations, allocationMode = '', count = 0 }: ExactDeviceRequest,
  path: FieldPath,
  compiler: Selectors,
): FieldError[] {
  const className = path.child('deviceClassName');
  return [
    ...(deviceClassName
      ? nameFindings(className, deviceClassName, dns1123SubdomainErrors(deviceClassName))
      : [required(className)]),
    ...compiler.validate(selectors, path.child('selectors')),
    ...validateMode(allocationMode, count, path),
    ...validateList(
      tolerations,
      { max: TOLERATIONS_MAX, path: path.child('tolerations') },
      validateToleration,
    ),
  ];
}

function validateMode(mode: string, count: number, path: FieldPath): FieldError[] {
  if (!MODES.includes(mode)) return [notSupported(path.child('allocationMode'), mode, MODES)];
  const at = path.child('count');
  if (mode === 'ExactCount') {
    return count > 0 ? [] : [invalidValue(at, count, 'must be greater than zero')];
  }
  if (count === 0) return [];
  return [invalidValue(at, count, "must not be specified when allocationMode is 'All'")];
}

function validateConstraint(
  { matchAttribute, distinctAttribute }: DeviceConstraint,
  path: FieldPath,
): FieldError[] {
  if (matchAttribute !== undefined) {
    return validateFullName(matchAttribute, path.child('matchAttribute'));
  }
  if (distinctAttribute !== undefined) {
    return validateFullName(distinctAttribute, path.child('distinctAttribute'));
  }
  // Upstream says so where none is set, too.
  const why =
    'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [required(path, why)];
}
