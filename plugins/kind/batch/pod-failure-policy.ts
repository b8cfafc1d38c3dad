import {
  duplicate,
  type FieldError,
  type FieldPath,
  invalidValue,
  type JobSpec,
  oneOf,
  type PodFailurePolicyOnExitCodesRequirement,
  type PodFailurePolicyRule,
  required,
  tooMany,
} from 'kernetes/sdk';

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const CONDITIONS_MAX = 20;
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

export function validatePodFailurePolicy(spec: JobSpec | undefined, path: FieldPath): FieldError[] {
  if (spec?.podFailurePolicy === undefined) return [];
  const errors: FieldError[] = [];
  const { restartPolicy } = spec.template?.spec ?? {};
  if (restartPolicy !== 'Never') {
    const detail = 'only "Never" is supported when podFailurePolicy is specified';
    const restart = path.child('template', 'spec', 'restartPolicy');
    errors.push(invalidValue(restart, restartPolicy ?? '', detail));
  }
  const rulesPath = path.child('podFailurePolicy', 'rules');
  const { rules = [] } = spec.podFailurePolicy;
  if (rules.length > RULES_MAX) errors.push(tooMany(rulesPath, rules.length, RULES_MAX));
  for (const [i, rule] of rules.entries()) {
    errors.push(...validateRule(rule, spec, rulesPath.index(i)));
  }
  return errors;
}

function validateRule(rule: PodFailurePolicyRule, spec: JobSpec, path: FieldPath): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors = validateAction(action, spec, path.child('action'));
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, spec, path.child('onExitCodes')));
  errors.push(...validateConditions(onPodConditions, path.child('onPodConditions')));
  if (onExitCodes && onPodConditions.length > 0) {
    const detail = 'specifying both OnExitCodes and OnPodConditions is not supported';
    errors.push(invalidValue(path, rule, detail));
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    const detail = 'specifying one of OnExitCodes and OnPodConditions is required';
    errors.push(invalidValue(path, rule, detail));
  }
  return errors;
}

function validateAction(action: string | undefined, spec: JobSpec, path: FieldPath): FieldError[] {
  if (!action) {
    return [required(path, `valid values: ${ACTIONS.map(each => `"${each}"`).join(', ')}`)];
  }
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) {
    return [invalidValue(path, action, 'requires the backoffLimitPerIndex to be set')];
  }
  return oneOf(action, ACTIONS, path);
}

function validateExitCodes(
  { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  spec: JobSpec,
  path: FieldPath,
): FieldError[] {
  const errors = operator
    ? oneOf(operator, ['In', 'NotIn'], path.child('operator'))
    : [required(path.child('operator'), 'valid values: "In", "NotIn"')];
  if (containerName !== undefined && !containerNames(spec).includes(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalidValue(path.child('containerName'), containerName, detail));
  }
  return [...errors, ...validateCodes(values, operator, path.child('values'))];
}

function containerNames({ template }: JobSpec): string[] {
  const { containers = [], initContainers = [] } = template?.spec ?? {};
  return [...containers, ...initContainers].map(({ name }) => name);
}

function validateCodes(
  values: readonly number[],
  operator: string | undefined,
  path: FieldPath,
): FieldError[] {
  if (values.length === 0) return [invalidValue(path, values, 'at least one value is required')];
  if (values.length > EXIT_CODES_MAX) return [tooMany(path, values.length, EXIT_CODES_MAX)];
  const errors: FieldError[] = [];
  for (const [i, value] of values.entries()) {
    const at = path.index(i);
    if (values.indexOf(value) < i) errors.push(duplicate(at, value));
    else if (value === 0 && operator === 'In') {
      errors.push(invalidValue(at, value, 'must not be 0 for the In operator'));
    }
  }
  const ordered = values.every((value, i) => i === 0 || (values[i - 1] ?? value) <= value);
  return ordered ? errors : [...errors, invalidValue(path, values, 'must be ordered')];
}

function validateConditions(
  conditions: NonNullable<PodFailurePolicyRule['onPodConditions']>,
  path: FieldPath,
): FieldError[] {
  if (conditions.length > CONDITIONS_MAX) {
    return [tooMany(path, conditions.length, CONDITIONS_MAX)];
  }
  return conditions.flatMap(({ type, status }, i) => [
    ...(type ? [] : [required(path.index(i).child('type'))]),
    ...oneOf(status, ['False', 'True', 'Unknown'], path.index(i).child('status')),
  ]);
}
