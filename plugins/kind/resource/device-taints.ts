import {
  type DeviceTaint,
  type DeviceToleration,
  type FieldError,
  type FieldPath,
  invalidValue,
  labelValueErrors,
  nameFindings,
  notSupported,
  required,
  validateLabelName,
} from 'kernetes/sdk';

export const TAINTS_MAX = 16;
export const TOLERATIONS_MAX = 16;
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];

export function validateTaint({ key, value, effect }: DeviceTaint, path: FieldPath): FieldError[] {
  const errors = validateLabelName(key, path.child('key'));
  if (value) errors.push(...nameFindings(path.child('value'), value, labelValueErrors(value)));
  if (!effect) errors.push(required(path.child('effect')));
  return effect ? [...errors, ...validateEffect(effect, path)] : errors;
}

export function validateToleration(
  { key, value = '', operator = '', effect }: DeviceToleration,
  path: FieldPath,
): FieldError[] {
  return [
    ...(key ? validateLabelName(key, path.child('key')) : []),
    ...validateOperator(operator, value, path),
    ...(effect ? validateEffect(effect, path) : []),
  ];
}

function validateOperator(operator: string, value: string, path: FieldPath): FieldError[] {
  switch (operator) {
    case 'Exists':
      if (value === '') return [];
      return [invalidValue(path.child('value'), value, 'must be empty for operator `Exists`')];
    case 'Equal':
      return nameFindings(path.child('value'), value, labelValueErrors(value));
    case '':
      return [required(path.child('operator'))];
    default:
      return [notSupported(path.child('operator'), operator, ['Equal', 'Exists'])];
  }
}

function validateEffect(effect: string, path: FieldPath): FieldError[] {
  if (EFFECTS.includes(effect)) return [];
  return [notSupported(path.child('effect'), effect, EFFECTS)];
}
