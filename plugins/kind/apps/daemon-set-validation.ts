import {
  atMost100Percent,
  type DaemonSet,
  type DaemonSetSpec,
  type DaemonSetUpdateStrategy,
  type FieldError,
  type FieldPath,
  fieldPath,
  intOrPercentValue,
  invalidValue,
  isEmptySelector,
  nonNegative,
  oneOf,
  positiveIntOrPercent,
  required,
  validateLabelSelector,
  validatePodTemplate,
} from 'kernetes/sdk';
import { parse, validateAlwaysRunning } from './pod-template.ts';
import { validateCollisionCount, validateCounters } from './status-validation.ts';

const SPEC = fieldPath('spec');

export function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  if (spec === undefined) return [required(SPEC)];
  const path = SPEC.child('template');
  return [
    ...validateSelector(spec),
    ...validatePodTemplate(spec.template, path),
    ...validateAlwaysRunning(spec.template, path, 'DaemonSet'),
    ...nonNegative(spec.minReadySeconds, SPEC.child('minReadySeconds')),
    ...validateUpdateStrategy(spec.updateStrategy ?? {}, SPEC.child('updateStrategy')),
    ...nonNegative(spec.revisionHistoryLimit, SPEC.child('revisionHistoryLimit')),
  ];
}

export function validateDaemonSetStatus(
  { status }: DaemonSet,
  { status: old }: DaemonSet,
): FieldError[] {
  return [
    ...validateCounters(status, [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
      'collisionCount',
    ]),
    ...validateCollisionCount(status, old),
  ];
}

/** An absent selector selects nothing, so here the mismatch is what upstream reports. */
function validateSelector({ selector, template }: DaemonSetSpec): FieldError[] {
  const path = SPEC.child('selector');
  const errors = selector ? validateLabelSelector(selector, path) : [];
  const labels = template?.metadata?.labels ?? {};
  if (parse(selector)?.matches(labels) === false) {
    const labelsPath = SPEC.child('template', 'metadata', 'labels');
    const detail = '`selector` does not match template `labels`';
    errors.push(invalidValue(labelsPath, labels, detail));
  }
  if (selector && isEmptySelector(selector)) {
    errors.push(invalidValue(path, selector, 'empty selector is invalid for daemonset'));
  }
  return errors;
}

function validateUpdateStrategy(
  { type, rollingUpdate }: DaemonSetUpdateStrategy,
  path: FieldPath,
): FieldError[] {
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate')
    return oneOf(type, ['RollingUpdate', 'OnDelete'], path.child('type'));
  const rolling = path.child('rollingUpdate');
  if (rollingUpdate === undefined) return [required(rolling)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  return [
    ...positiveIntOrPercent(maxUnavailable, rolling.child('maxUnavailable')),
    ...positiveIntOrPercent(maxSurge, rolling.child('maxSurge')),
    ...atMost100Percent(maxUnavailable, rolling.child('maxUnavailable')),
    ...atMost100Percent(maxSurge, rolling.child('maxSurge')),
    ...validateOneBudget(rollingUpdate, rolling),
  ];
}

/** Either pods are taken down first, or new ones are started first. */
function validateOneBudget(
  { maxUnavailable, maxSurge }: NonNullable<DaemonSetUpdateStrategy['rollingUpdate']>,
  path: FieldPath,
): FieldError[] {
  const unavailable = intOrPercentValue(maxUnavailable) !== 0;
  const surge = intOrPercentValue(maxSurge) !== 0;
  if (unavailable !== surge) return [];
  if (!surge) return [required(path.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0')];
  const detail = 'may not be set when maxUnavailable is non-zero';
  return [invalidValue(path.child('maxSurge'), maxSurge, detail)];
}
