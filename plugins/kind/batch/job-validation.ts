import {
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  type Job,
  type JobSpec,
  nonNegative,
  oneOf,
  required,
  selectorFrom,
  validateLabelSelector,
  validatePodTemplate,
} from 'kernetes/sdk';
import { validateGeneratedSelector } from './job-selector.ts';
import { validatePodFailurePolicy } from './pod-failure-policy.ts';

const SPEC = fieldPath('spec');

/** Upstream's bound on the pods that an indexed Job runs at a time. */
const INDEXED_PARALLELISM_MAX = 100_000;

export function validateJob(job: Job): FieldError[] {
  const { spec } = job;
  if (spec === undefined) return [required(SPEC)];
  return [
    ...validateGeneratedSelector(job),
    ...validateJobTemplate(spec, SPEC),
    ...validateSelector(spec),
  ];
}

/** What a Job and the job template of a CronJob have in common: all but the selector. */
export function validateJobTemplate(spec: JobSpec | undefined, path: FieldPath): FieldError[] {
  return [
    ...COUNTS.flatMap(name => nonNegative(spec?.[name], path.child(name))),
    ...validateCompletionMode(spec, path),
    ...validatePodTemplate(spec?.template, path.child('template')),
    ...validateRestartPolicy(spec, path.child('template', 'spec', 'restartPolicy')),
    ...validatePodFailurePolicy(spec, path),
    ...validateReplacementPolicy(spec, path.child('podReplacementPolicy')),
  ];
}

export function validateJobStatus({ status }: Job): FieldError[] {
  const path = fieldPath('status');
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
  return counts.flatMap(name => nonNegative(status?.[name], path.child(name)));
}

const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

function validateCompletionMode(spec: JobSpec | undefined, path: FieldPath): FieldError[] {
  const mode = spec?.completionMode;
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed') {
    return oneOf(mode, ['Indexed', 'NonIndexed'], path.child('completionMode'));
  }
  if (mode === 'Indexed') return validateIndexed(spec ?? {}, path);
  const errors: FieldError[] = [];
  for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    const value = spec?.[name];
    if (value === undefined) continue;
    errors.push(invalidValue(path.child(name), value, 'requires indexed completion mode'));
  }
  return errors;
}

function validateIndexed(
  { completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex }: Partial<JobSpec>,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  if (completions === undefined) {
    errors.push(required(path.child('completions'), 'when completion mode is Indexed'));
  }
  if (parallelism > INDEXED_PARALLELISM_MAX) {
    const detail = `must be less than or equal to ${INDEXED_PARALLELISM_MAX} when completion mode is Indexed`;
    errors.push(invalidValue(path.child('parallelism'), parallelism, detail));
  }
  if (maxFailedIndexes === undefined) return errors;
  if (backoffLimitPerIndex === undefined) {
    const detail = 'when maxFailedIndexes is specified';
    errors.push(required(path.child('backoffLimitPerIndex'), detail));
  }
  if (completions !== undefined && maxFailedIndexes > completions) {
    const detail = 'must be less than or equal to completions';
    errors.push(invalidValue(path.child('maxFailedIndexes'), maxFailedIndexes, detail));
  }
  return errors;
}

/** A pod that is started again for ever would never complete. */
function validateRestartPolicy(spec: JobSpec | undefined, path: FieldPath): FieldError[] {
  if (spec?.template?.spec?.restartPolicy !== 'Always') return [];
  return [required(path, 'valid values: "OnFailure", "Never"')];
}

function validateReplacementPolicy(spec: JobSpec | undefined, path: FieldPath): FieldError[] {
  const policy = spec?.podReplacementPolicy;
  if (policy === undefined) return [];
  const supported = spec?.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return oneOf(policy, supported, path);
}

function validateSelector({ selector, template }: JobSpec): FieldError[] {
  const path = SPEC.child('selector');
  const errors = selector ? validateLabelSelector(selector, path) : [required(path)];
  if (errors.length > 0) return errors;
  const labels = template?.metadata?.labels ?? {};
  if (selectorFrom(selector).matches(labels)) return errors;
  const labelsPath = SPEC.child('template', 'metadata', 'labels');
  return [invalidValue(labelsPath, labels, '`selector` does not match template `labels`')];
}
