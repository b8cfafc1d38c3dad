import {
  type AllocatedDeviceStatus,
  type AllocationResult,
  type DeviceAllocationConfiguration,
  type DeviceRequestAllocationResult,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  immutable,
  invalidValue,
  notSupported,
  type ResourceClaim,
  type ResourceClaimConsumerReference,
  required,
  tooMany,
  validateNodeSelector,
} from 'kernetes/sdk';
import { requestNames, validateReference, validateReferences } from './device-claim.ts';
import { CONFIG_MAX, validateConfiguration, validateData } from './device-configuration.ts';
import { TOLERATIONS_MAX, validateToleration } from './device-taints.ts';
import { validateList, validateSet } from './lists.ts';
import { validateDriverName, validateLabelForm, validatePoolName } from './names.ts';

const RESERVED_FOR_MAX = 256;
const RESULTS_MAX = 32;
const CONDITIONS_MAX = 8;
const STATUS = fieldPath('status');

/** Who uses a claim, with what, and what the drivers say of it. */
export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const { allocation, reservedFor, devices } = claim.status ?? {};
  const allocated = new Set(allocation?.devices?.results?.map(deviceId));
  const key = ({ uid }: ResourceClaimConsumerReference) => uid;
  return [
    ...validateSet(
      reservedFor,
      { max: RESERVED_FOR_MAX, path: STATUS.child('reservedFor'), key },
      validateConsumer,
    ),
    ...validateSet(devices, { path: STATUS.child('devices'), key: deviceId }, (device, at) =>
      validateDevice(device, at, allocated),
    ),
    ...validateReservation(claim, old),
    ...validateAllocation(claim, old, STATUS.child('allocation')),
  ];
}

export function deviceId({ driver, pool, device, shareID }: AllocatedDeviceStatus): string {
  return [driver, pool, device, ...(shareID ? [shareID] : [])].join('/');
}

function validateConsumer(consumer: ResourceClaimConsumerReference, path: FieldPath): FieldError[] {
  const fields = ['resource', 'name', 'uid'] as const;
  return fields.filter(name => !consumer[name]).map(name => required(path.child(name)));
}

function validateDevice(
  device: AllocatedDeviceStatus,
  path: FieldPath,
  allocated: ReadonlySet<string>,
): FieldError[] {
  const errors = [
    ...validateDriverName(device.driver, path.child('driver')),
    ...validatePoolName(device.pool, path.child('pool')),
    ...validateLabelForm(device.device, path.child('device')),
  ];
  const id = deviceId(device);
  if (!allocated.has(id)) {
    errors.push(invalidValue(path, id, 'must be an allocated device in the claim'));
  }
  const conditions = device.conditions?.length ?? 0;
  if (conditions > CONDITIONS_MAX) {
    errors.push(tooMany(path.child('conditions'), conditions, CONDITIONS_MAX));
  }
  const { data } = device;
  return data === undefined ? errors : [...errors, ...validateData(data, path.child('data'))];
}

function validateReservation({ metadata, status }: ResourceClaim, old: ResourceClaim) {
  const { reservedFor = [], allocation } = status ?? {};
  const path = STATUS.child('reservedFor');
  if (reservedFor.length === 0) return [];
  if (allocation === undefined) {
    return [forbiddenValue(path, 'may not be specified when `allocated` is not set')];
  }
  const before = new Set(old.status?.reservedFor?.map(({ uid }) => uid));
  if (!metadata.deletionTimestamp || reservedFor.every(({ uid }) => before.has(uid))) return [];
  const why =
    'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
  return [forbiddenValue(path, why)];
}

function validateAllocation({ spec, status }: ResourceClaim, old: ResourceClaim, path: FieldPath) {
  const { allocation } = status ?? {};
  if (allocation === undefined) return [];
  if (old.status?.allocation) return immutable(allocation, old.status.allocation, path);
  const names = requestNames(spec?.devices?.requests);
  return [
    ...validateResults(allocation, path.child('devices'), names),
    ...(allocation.nodeSelector
      ? validateNodeSelector(allocation.nodeSelector, path.child('nodeSelector'))
      : []),
  ];
}

function validateResults(
  { devices }: AllocationResult,
  path: FieldPath,
  names: ReadonlySet<string>,
): FieldError[] {
  return [
    ...validateList(
      devices?.results,
      { max: RESULTS_MAX, path: path.child('results') },
      (result, at) => validateResult(result, at, names),
    ),
    ...validateList(
      devices?.config,
      { max: 2 * CONFIG_MAX, path: path.child('config') },
      (config, at) => [
        ...validateSource(config, at.child('source')),
        ...validateReferences(config.requests, at.child('requests'), names),
        ...validateConfiguration(config, at),
      ],
    ),
  ];
}

function validateResult(
  { request, driver, pool, device, tolerations }: DeviceRequestAllocationResult,
  path: FieldPath,
  names: ReadonlySet<string>,
): FieldError[] {
  return [
    ...validateReference(request, path.child('request'), names),
    ...validateDriverName(driver, path.child('driver')),
    ...validatePoolName(pool, path.child('pool')),
    ...validateLabelForm(device, path.child('device')),
    ...validateList(
      tolerations,
      { max: TOLERATIONS_MAX, path: path.child('tolerations') },
      validateToleration,
    ),
  ];
}

function validateSource({ source }: DeviceAllocationConfiguration, path: FieldPath) {
  if (!source) return [required(path)];
  const sources = ['FromClaim', 'FromClass'];
  return sources.includes(source) ? [] : [notSupported(path, source, sources)];
}
