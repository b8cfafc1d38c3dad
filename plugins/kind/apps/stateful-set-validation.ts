import { isDeepStrictEqual } from 'node:util';
import {
  atMost100Percent,
  dns1123LabelErrors,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  intOrPercentValue,
  invalidValue,
  nameFindings,
  nonNegative,
  oneOf,
  positiveIntOrPercent,
  required,
  type StatefulSet,
  type StatefulSetSpec,
  type StatefulSetUpdateStrategy,
  validateTemplateMetadata,
} from 'kernetes/sdk';
import {
  parse,
  validateAlwaysRunning,
  validateSelected,
  validateSelector,
} from './pod-template.ts';
import {
  validateCollisionCount,
  validateCounters,
  validateNotGreater,
} from './status-validation.ts';

const SPEC = fieldPath('spec');

export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  if (spec === undefined) return [required(SPEC)];
  return [
    ...validatePodManagement(spec.podManagementPolicy, SPEC.child('podManagementPolicy')),
    ...validateUpdateStrategy(spec.updateStrategy, SPEC.child('updateStrategy')),
    ...validateRetentionPolicy(spec),
    ...nonNegative(spec.replicas, SPEC.child('replicas')),
    ...nonNegative(spec.minReadySeconds, SPEC.child('minReadySeconds')),
    ...nonNegative(spec.ordinals?.start, SPEC.child('ordinals', 'start')),
    ...nonNegative(spec.revisionHistoryLimit, SPEC.child('revisionHistoryLimit')),
    ...validateServiceName(spec.serviceName),
    ...validateSelector(spec.selector, SPEC.child('selector'), 'statefulset'),
    ...validateTemplate(spec),
  ];
}

export function validateStatefulSetUpdate(
  { spec }: StatefulSet,
  { spec: old }: StatefulSet,
): FieldError[] {
  if (isDeepStrictEqual(unchangeable(spec), unchangeable(old))) return [];
  const detail =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', " +
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and " +
    "'minReadySeconds' are forbidden";
  return [forbiddenValue(SPEC, detail)];
}

export function validateStatefulSetStatus(
  { status }: StatefulSet,
  { status: old }: StatefulSet,
): FieldError[] {
  return [
    ...validateCounters(status, [
      'replicas',
      'readyReplicas',
      'currentReplicas',
      'updatedReplicas',
      'availableReplicas',
      'observedGeneration',
      'collisionCount',
    ]),
    ...validateNotGreater(status, ['readyReplicas', 'replicas']),
    ...validateNotGreater(status, ['currentReplicas', 'replicas']),
    ...validateNotGreater(status, ['updatedReplicas', 'replicas']),
    ...validateNotGreater(status, ['availableReplicas', 'replicas']),
    ...validateNotGreater(status, ['availableReplicas', 'readyReplicas']),
    ...validateCollisionCount(status, old),
  ];
}

function validatePodManagement(policy: string | undefined, path: FieldPath): FieldError[] {
  if (!policy) return [required(path)];
  if (policy === 'OrderedReady' || policy === 'Parallel') return [];
  return [invalidValue(path, policy, "must be 'OrderedReady' or 'Parallel'")];
}

function validateUpdateStrategy(
  strategy: StatefulSetUpdateStrategy | undefined,
  path: FieldPath,
): FieldError[] {
  if (!strategy?.type) return [required(path)];
  const { type, rollingUpdate } = strategy;
  const rolling = path.child('rollingUpdate');
  if (type === 'OnDelete') {
    if (rollingUpdate === undefined) return [];
    return [
      invalidValue(rolling, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"),
    ];
  }
  if (type !== 'RollingUpdate') {
    return [invalidValue(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  }
  return validateRollingUpdate(rollingUpdate, rolling);
}

function validateRollingUpdate(
  rollingUpdate: StatefulSetUpdateStrategy['rollingUpdate'],
  path: FieldPath,
): FieldError[] {
  if (rollingUpdate === undefined) return [];
  const { partition, maxUnavailable } = rollingUpdate;
  const errors = nonNegative(partition, path.child('partition'));
  if (maxUnavailable === undefined) return errors;
  const maxPath = path.child('maxUnavailable');
  errors.push(...positiveIntOrPercent(maxUnavailable, maxPath));
  if (intOrPercentValue(maxUnavailable) === 0) {
    errors.push(invalidValue(maxPath, maxUnavailable, 'cannot be 0'));
  }
  return [...errors, ...atMost100Percent(maxUnavailable, maxPath)];
}

function validateRetentionPolicy(spec: StatefulSetSpec): FieldError[] {
  const policy = spec.persistentVolumeClaimRetentionPolicy;
  if (policy === undefined) return [];
  const path = SPEC.child('persistentVolumeClaimRetentionPolicy');
  return [
    ...oneOf(policy.whenDeleted, ['Delete', 'Retain'], path.child('whenDeleted')),
    ...oneOf(policy.whenScaled, ['Delete', 'Retain'], path.child('whenScaled')),
  ];
}

function validateServiceName(name: string | undefined): FieldError[] {
  return name ? nameFindings(SPEC.child('serviceName'), name, dns1123LabelErrors(name)) : [];
}

/**
 * Upstream checks no more of this pod spec: its mounts may name volumes that only the claim
 * templates give. What else is wrong shows when a pod is made.
 */
function validateTemplate({ selector, template }: StatefulSetSpec): FieldError[] {
  const parsed = parse(selector);
  if (parsed === undefined) return [invalidValue(SPEC.child('selector'), selector, '')];
  const path = SPEC.child('template');
  if (template === undefined) return [required(path)];
  return [
    ...validateSelected(parsed, template, path),
    ...validateTemplateMetadata(template.metadata, path),
    ...validateAlwaysRunning(template, path, 'StatefulSet'),
  ];
}

/** What may not change once it is there. */
function unchangeable(spec: StatefulSetSpec | undefined): object {
  const kept: Record<string, unknown> = { ...spec };
  for (const field of CHANGEABLE) delete kept[field];
  return kept;
}

const CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
