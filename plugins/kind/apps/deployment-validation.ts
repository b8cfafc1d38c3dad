import {
  atMost100Percent,
  type Deployment,
  type DeploymentStrategy,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  immutable,
  intOrPercentValue,
  invalidValue,
  type LabelSelector,
  nonNegative,
  oneOf,
  positiveIntOrPercent,
  type RollingUpdateDeployment,
  required,
} from 'kernetes/sdk';
import { validateReplicatedTemplate, validateSelector } from './pod-template.ts';
import {
  validateCollisionCount,
  validateCounters,
  validateNotGreater,
} from './status-validation.ts';

const SPEC = fieldPath('spec');

export function validateDeployment({ spec }: Deployment): FieldError[] {
  const selector = spec?.selector;
  const template = spec?.template;
  return [
    ...nonNegative(spec?.replicas, SPEC.child('replicas')),
    ...validateSelector(selector, SPEC.child('selector'), 'deployment'),
    ...validateReplicatedTemplate({ selector, template }, SPEC),
    ...validateStrategy(spec?.strategy ?? {}, SPEC.child('strategy')),
    ...nonNegative(spec?.minReadySeconds, SPEC.child('minReadySeconds')),
    ...nonNegative(spec?.revisionHistoryLimit, SPEC.child('revisionHistoryLimit')),
    ...validateProgressDeadline(spec?.progressDeadlineSeconds, spec?.minReadySeconds ?? 0),
  ];
}

/** Of a Deployment, ReplicaSet or DaemonSet: another selector would orphan their pods. */
export function validateSelectorKept<T extends { spec?: { selector?: LabelSelector } }>(
  { spec }: T,
  { spec: old }: T,
): FieldError[] {
  return immutable(spec?.selector, old?.selector, SPEC.child('selector'));
}

export function validateDeploymentStatus(
  { status }: Deployment,
  { status: old }: Deployment,
): FieldError[] {
  return [
    ...validateCounters(status, [
      'observedGeneration',
      'replicas',
      'updatedReplicas',
      'terminatingReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'collisionCount',
    ]),
    ...validateNotGreater(status, ['updatedReplicas', 'replicas']),
    ...validateNotGreater(status, ['readyReplicas', 'replicas']),
    ...validateNotGreater(status, ['availableReplicas', 'replicas']),
    ...validateNotGreater(status, ['availableReplicas', 'readyReplicas'], 'readyReplicas'),
    ...validateCollisionCount(status, old),
  ];
}

function validateProgressDeadline(
  deadline: number | undefined,
  minReadySeconds: number,
): FieldError[] {
  const path = SPEC.child('progressDeadlineSeconds');
  const errors = nonNegative(deadline, path);
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.push(invalidValue(path, deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function validateStrategy(
  { type, rollingUpdate }: DeploymentStrategy,
  path: FieldPath,
): FieldError[] {
  if (type === 'RollingUpdate') {
    return validateRollingUpdate(rollingUpdate, path.child('rollingUpdate'));
  }
  if (type !== 'Recreate') return oneOf(type, ['Recreate', 'RollingUpdate'], path.child('type'));
  if (rollingUpdate === undefined) return [];
  const detail = "may not be specified when strategy `type` is 'Recreate'";
  return [forbiddenValue(path.child('rollingUpdate'), detail)];
}

function validateRollingUpdate(
  rollingUpdate: RollingUpdateDeployment | undefined,
  path: FieldPath,
): FieldError[] {
  if (rollingUpdate === undefined) {
    return [required(path, 'this should be defaulted and never be nil')];
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const errors = [
    ...positiveIntOrPercent(maxUnavailable, path.child('maxUnavailable')),
    ...positiveIntOrPercent(maxSurge, path.child('maxSurge')),
  ];
  if (intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0) {
    const detail = 'may not be 0 when `maxSurge` is 0';
    errors.push(invalidValue(path.child('maxUnavailable'), maxUnavailable, detail));
  }
  return [...errors, ...atMost100Percent(maxUnavailable, path.child('maxUnavailable'))];
}
