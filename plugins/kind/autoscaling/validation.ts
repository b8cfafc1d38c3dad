import {
  type FieldError,
  type FieldPath,
  fieldPath,
  type HorizontalPodAutoscaler,
  type HPAScalingRules,
  invalidValue,
  type MetricSpec,
  type MetricTarget,
  notSupported,
  required,
} from 'kernetes/sdk';

export function validateHpa({ spec }: HorizontalPodAutoscaler): FieldError[] {
  const path = fieldPath('spec');
  const { minReplicas = 1, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec ?? {};
  const errors: FieldError[] = [];
  if (minReplicas < 1) {
    errors.push(
      invalidValue(path.child('minReplicas'), minReplicas, 'must be greater than or equal to 1'),
    );
  }
  if (maxReplicas < 1) {
    errors.push(invalidValue(path.child('maxReplicas'), maxReplicas, 'must be greater than 0'));
  }
  if (maxReplicas < minReplicas) {
    const why = 'must be greater than or equal to `minReplicas`';
    errors.push(invalidValue(path.child('maxReplicas'), maxReplicas, why));
  }
  for (const field of ['kind', 'name'] as const) {
    if (!scaleTargetRef?.[field]) errors.push(required(path.child('scaleTargetRef', field), ''));
  }
  return [
    ...errors,
    ...metrics.flatMap((metric, i) => validateMetric(metric, path.child('metrics').index(i))),
    ...validateRules(behavior?.scaleUp, path.child('behavior', 'scaleUp')),
    ...validateRules(behavior?.scaleDown, path.child('behavior', 'scaleDown')),
  ];
}

function validateMetric(metric: MetricSpec, path: FieldPath): FieldError[] {
  const { type } = metric;
  if (!type) return [required(path.child('type'), 'must specify a metric source type')];
  const field = FIELDS.get(type);
  if (field === undefined) return [notSupported(path.child('type'), type, [...FIELDS.keys()])];
  const source = metric[field];
  if (source === undefined) {
    const why = `must populate information for the given metric source`;
    return [required(path.child(field), why)];
  }
  return validateTarget(source.target, path.child(field, 'target'));
}

function validateTarget(target: MetricTarget | undefined, path: FieldPath): FieldError[] {
  const { type = '', averageUtilization, averageValue, value } = target ?? {};
  const errors: FieldError[] = [];
  if (!type) errors.push(required(path.child('type'), 'must specify a metric target type'));
  else if (!TARGETS.includes(type)) errors.push(notSupported(path.child('type'), type, TARGETS));
  if (averageUtilization !== undefined && averageUtilization < 1) {
    const field = path.child('averageUtilization');
    errors.push(invalidValue(field, averageUtilization, 'must be greater than 0'));
  }
  if (averageUtilization === undefined && averageValue === undefined && value === undefined) {
    errors.push(required(path, 'must set either a target value, utilization or average value'));
  }
  return errors;
}

function validateRules(rules: HPAScalingRules | undefined, path: FieldPath): FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  const errors: FieldError[] = [];
  if (window !== undefined && (window < 0 || window > WINDOW_SECONDS_MAX)) {
    const why = `must be between 0 and ${WINDOW_SECONDS_MAX}`;
    errors.push(invalidValue(path.child('stabilizationWindowSeconds'), window, why));
  }
  if (selectPolicy !== undefined && !SELECTIONS.includes(selectPolicy)) {
    errors.push(notSupported(path.child('selectPolicy'), selectPolicy, SELECTIONS));
  }
  if (policies.length === 0)
    errors.push(required(path.child('policies'), 'must specify at least one Policy'));
  policies.forEach(({ type, value, periodSeconds }, i) => {
    const at = path.child('policies').index(i);
    if (!POLICIES.includes(type)) errors.push(notSupported(at.child('type'), type, POLICIES));
    if (value <= 0)
      errors.push(invalidValue(at.child('value'), value, 'must be greater than zero'));
    if (periodSeconds <= 0 || periodSeconds > PERIOD_SECONDS_MAX) {
      const why = `must be between 1 and ${PERIOD_SECONDS_MAX}`;
      errors.push(invalidValue(at.child('periodSeconds'), periodSeconds, why));
    }
  });
  return errors;
}

const FIELDS = new Map([
  ['ContainerResource', 'containerResource'],
  ['External', 'external'],
  ['Object', 'object'],
  ['Pods', 'pods'],
  ['Resource', 'resource'],
] as const) as ReadonlyMap<
  string,
  'containerResource' | 'external' | 'object' | 'pods' | 'resource'
>;
const TARGETS = ['Utilization', 'Value', 'AverageValue'];
const SELECTIONS = ['Max', 'Min', 'Disabled'];
const POLICIES = ['Pods', 'Percent'];
const WINDOW_SECONDS_MAX = 3_600;
const PERIOD_SECONDS_MAX = 1_800;
