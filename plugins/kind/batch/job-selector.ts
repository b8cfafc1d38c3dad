import { type FieldError, fieldPath, invalidValue, type Job, required } from 'kernetes/sdk';

/** Selects the pods of one Job; its older form stays on the pods for those who look for it. */
const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const LEGACY_CONTROLLER_UID = 'controller-uid';
const JOB_NAME = 'batch.kubernetes.io/job-name';
const LEGACY_JOB_NAME = 'job-name';

/**
 * Gives the pods labels with the Job's name and uid, and the Job a selector on the latter, unless
 * the client manages them. Values that are there stay: validation refuses wrong ones.
 */
export function generateSelector({ metadata, spec }: Job): void {
  if (spec?.template === undefined || spec.manualSelector) return;
  const { name = '', uid = '' } = metadata;
  spec.template.metadata ??= {};
  const labels = { ...spec.template.metadata.labels };
  labels[LEGACY_JOB_NAME] ??= name;
  labels[LEGACY_CONTROLLER_UID] ??= uid;
  labels[JOB_NAME] ??= name;
  labels[CONTROLLER_UID] ??= uid;
  spec.template.metadata.labels = labels;
  spec.selector = {
    ...spec.selector,
    matchLabels: { [CONTROLLER_UID]: uid, ...spec.selector?.matchLabels },
  };
}

/** Up to 1.26 labels had no prefix. */
export function dropPrefixedLabels({ metadata, spec }: Job): void {
  const { matchLabels } = spec?.selector ?? {};
  const uid = matchLabels?.[CONTROLLER_UID];
  if (matchLabels !== undefined && uid !== undefined) {
    delete matchLabels[CONTROLLER_UID];
    matchLabels[LEGACY_CONTROLLER_UID] = uid;
  }
  for (const labels of [metadata.labels, spec?.template?.metadata?.labels]) {
    delete labels?.[CONTROLLER_UID];
    delete labels?.[JOB_NAME];
  }
}

export function validateGeneratedSelector({ metadata, spec }: Job): FieldError[] {
  if (spec?.selector === undefined || spec.manualSelector) return [];
  const { name = '', uid = '' } = metadata;
  if (uid === '') return [required(fieldPath('metadata', 'uid'))];
  const { matchLabels = {}, matchExpressions = [] } = spec.selector;
  const keys = Object.keys(matchLabels);
  // Jobs made before the prefixed labels existed select by the legacy one.
  const isLegacy = matchLabels[LEGACY_CONTROLLER_UID] === uid;
  const errors = [
    ...validateLabel(spec, LEGACY_CONTROLLER_UID, uid),
    ...validateLabel(spec, LEGACY_JOB_NAME, name),
    ...(isLegacy ? [] : validateLabel(spec, CONTROLLER_UID, uid)),
    ...(isLegacy ? [] : validateLabel(spec, JOB_NAME, name)),
  ];
  const generated =
    matchExpressions.length === 0 &&
    keys.length === 1 &&
    (isLegacy || matchLabels[CONTROLLER_UID] === uid);
  if (generated) return errors;
  const path = fieldPath('spec', 'selector');
  return [...errors, invalidValue(path, spec.selector, '`selector` not auto-generated')];
}

function validateLabel(spec: NonNullable<Job['spec']>, key: string, value: string): FieldError[] {
  const labels = spec.template?.metadata?.labels ?? {};
  const path = fieldPath('spec', 'template', 'metadata', 'labels').key(key);
  if (labels[key] === undefined) return [required(path, `must be '${value}'`)];
  return labels[key] === value ? [] : [invalidValue(path, labels, `must be '${value}'`)];
}
