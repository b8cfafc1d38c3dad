import {
  type CounterSet,
  type Device,
  type DeviceAttribute,
  type DeviceCapacity,
  type DeviceCounterConsumption,
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  nameFindings,
  required,
  tooLong,
  validateLabelName,
  validateNodeSelector,
} from 'kernetes/sdk';
import { TAINTS_MAX, validateTaint } from './device-taints.ts';
import { validateList, validateMap, validateSet } from './lists.ts';
import { validateLabelForm, validateQualifiedName } from './names.ts';

const ENTRIES_MAX = 32;
const VALUE_LENGTH_MAX = 64;
const COUNTERS_MAX = 32;
const CONSUMPTIONS_MAX = 2;
const BINDING_CONDITIONS_MAX = 4;

/** `ownNodes`: its slice leaves it to the devices where they can be used. */
export function validateDevice(device: Device, path: FieldPath, ownNodes: boolean): FieldError[] {
  const { name, attributes = {}, capacity = {}, taints, consumesCounters } = device;
  const entries = Object.keys(attributes).length + Object.keys(capacity).length;
  const many = `the total number of attributes and capacities must not exceed ${ENTRIES_MAX}`;
  const key = validateQualifiedName;
  return [
    ...validateLabelForm(name, path.child('name')),
    ...(entries > ENTRIES_MAX ? [invalidValue(path, entries, many)] : []),
    ...validateMap(attributes, { path: path.child('attributes'), key }, validateAttribute),
    ...validateMap(capacity, { path: path.child('capacity'), key }, (each, at) =>
      validateCapacity(each, at, device.allowMultipleAllocations === true),
    ),
    ...validateList(taints, { max: TAINTS_MAX, path: path.child('taints') }, validateTaint),
    ...validateSet(
      consumesCounters,
      {
        max: CONSUMPTIONS_MAX,
        path: path.child('consumesCounters'),
        key: ({ counterSet }) => counterSet,
      },
      validateConsumption,
    ),
    ...validateNodes(device, path, ownNodes),
    ...validateBinding(device, path),
  ];
}

export function validateCounterSet({ name, counters }: CounterSet, path: FieldPath): FieldError[] {
  return [
    ...(name ? validateLabelForm(name, path.child('name')) : [required(path.child('name'))]),
    ...validateCounters(counters, path.child('counters')),
  ];
}

function validateConsumption(
  { counterSet, counters }: DeviceCounterConsumption,
  path: FieldPath,
): FieldError[] {
  const at = path.child('counterSet');
  return [
    ...(counterSet ? validateLabelForm(counterSet, at) : [required(at)]),
    ...validateCounters(counters, path.child('counters')),
  ];
}

/** Any quantity is one. */
function validateCounters(counters: CounterSet['counters'] = {}, path: FieldPath): FieldError[] {
  if (Object.keys(counters).length === 0) return [required(path)];
  return validateMap(counters, { max: COUNTERS_MAX, path, key: validateLabelForm }, () => []);
}

function validateAttribute(attribute: DeviceAttribute, path: FieldPath): FieldError[] {
  const { string, strings, version, versions, bools, ints } = attribute;
  const one = 'exactly one value must be specified';
  const set = Object.values(attribute).filter(value => value !== undefined);
  const lists = Object.entries({ bools, ints, strings, versions });
  return [
    ...[string ?? []].flat().flatMap(text => validateText(text, path.child('string'))),
    ...[version ?? []].flat().flatMap(text => validateVersion(text, path.child('version'))),
    ...lists
      .filter(([, list]) => list?.length === 0)
      .map(([name]) => invalidValue(path.child(name), [], 'must not be empty if specified')),
    ...validateList(strings, { path: path.child('strings') }, validateText),
    ...validateList(versions, { path: path.child('versions') }, validateVersion),
    ...(set.length === 1 ? [] : [invalidValue(path, set.length === 0 ? '' : attribute, one)]),
  ];
}

function validateText(text: string, path: FieldPath): FieldError[] {
  return Buffer.byteLength(text) > VALUE_LENGTH_MAX ? [tooLong(path, VALUE_LENGTH_MAX)] : [];
}

function validateVersion(version: string, path: FieldPath): FieldError[] {
  const why = 'must be a string compatible with semver.org spec 2.0.0';
  return [
    ...(SEMVER.test(version) ? [] : [invalidValue(path, version, why)]),
    ...validateText(version, path),
  ];
}

const NUMBER = '(0|[1-9]\\d*)';
const PRE = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const BUILD = '[0-9a-zA-Z-]+';
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(-${PRE}(\\.${PRE})*)?(\\+${BUILD}(\\.${BUILD})*)?$`,
);

function validateCapacity(
  { requestPolicy }: DeviceCapacity,
  path: FieldPath,
  isShared: boolean,
): FieldError[] {
  if (requestPolicy === undefined || isShared) return [];
  return [forbiddenValue(path.child('requestPolicy'), 'allowMultipleAllocations must be true')];
}

function validateNodes(device: Device, path: FieldPath, ownNodes: boolean): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  const set = Object.entries({ nodeName, nodeSelector, allNodes })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `\`${name}\``);
  if (!ownNodes) return set.length === 0 ? [] : [invalidValue(path, null, NOT_BY_DEVICE)];
  const errors: FieldError[] = [];
  const at = path.child('nodeName');
  if (nodeName === '') errors.push(invalidValue(at, nodeName, 'must not be empty'));
  else if (nodeName) errors.push(...nameFindings(at, nodeName, dns1123SubdomainErrors(nodeName)));
  if (nodeSelector) errors.push(...validateNodeSelector(nodeSelector, path.child('nodeSelector')));
  if (allNodes === false) {
    const why = 'must be either unset or set to true';
    errors.push(invalidValue(path.child('allNodes'), allNodes, why));
  }
  if (set.length === 0) errors.push(required(path, ONE_BY_DEVICE));
  if (set.length > 1) errors.push(invalidValue(path, `{${set.join(', ')}}`, ONE_BY_DEVICE));
  return errors;
}

const NOT_BY_DEVICE =
  '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set ' +
  'to true in the ResourceSlice spec';
const ONE_BY_DEVICE =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when ' +
  '`perDeviceNodeSelection` is set to true in the ResourceSlice spec';

function validateBinding(
  { bindingConditions = [], bindingFailureConditions = [] }: Device,
  path: FieldPath,
): FieldError[] {
  const [done, failed] = ['bindingConditions', 'bindingFailureConditions'] as const;
  const key = (name: string) => name;
  const limits = { max: BINDING_CONDITIONS_MAX, key };
  const errors = [
    ...validateSet(bindingConditions, { ...limits, path: path.child(done) }, validateLabelName),
    ...validateSet(
      bindingFailureConditions,
      { ...limits, path: path.child(failed) },
      validateLabelName,
    ),
  ];
  for (const [i, condition] of bindingFailureConditions.entries()) {
    if (!bindingConditions.includes(condition)) continue;
    const why = 'bindingFailureConditions must not overlap with bindingConditions';
    errors.push(invalidValue(path.child(failed).index(i), condition, why));
  }
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0) {
    errors.push(invalidValue(path.child(done), [], `${done} are required to use ${failed}`));
  }
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0) {
    errors.push(invalidValue(path.child(failed), [], `${failed} are required to use ${done}`));
  }
  return errors;
}
