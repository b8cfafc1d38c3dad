import {
  type ContainerResourceMetricSource,
  type CrossVersionObjectReference,
  compareQuantities,
  dns1123LabelErrors,
  type ExternalMetricSource,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  type HorizontalPodAutoscaler,
  type HPAScalingPolicy,
  type HPAScalingRules,
  invalidValue,
  type MetricIdentifier,
  type MetricSpec,
  type MetricTarget,
  nonNegative,
  type ObjectMetricSource,
  oneOf,
  type PodsMetricSource,
  parseQuantity,
  pathSegmentErrors,
  type ResourceMetricSource,
  required,
  validateNonNegativeQuantity,
  validateResourceName,
} from 'kernetes/sdk';

/** Upstream's checks, and its words. Of an object that may have been made of annotations. */
export function validateHpa({ spec, status }: HorizontalPodAutoscaler): FieldError[] {
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
  return [
    ...errors,
    ...validateReference(scaleTargetRef, path.child('scaleTargetRef')),
    ...metrics.flatMap((metric, i) => validateMetric(metric, path.child('metrics').index(i))),
    ...validateRules(behavior?.scaleUp, path.child('behavior', 'scaleUp')),
    ...validateRules(behavior?.scaleDown, path.child('behavior', 'scaleDown')),
    ...nonNegative(status?.currentReplicas, fieldPath('status', 'currentReplicas')),
    ...nonNegative(status?.desiredReplicas, fieldPath('status', 'desiredReplicas')),
  ];
}

function validateReference(
  reference: Partial<CrossVersionObjectReference> | undefined,
  path: FieldPath,
): FieldError[] {
  return (['kind', 'name'] as const).flatMap(field =>
    validateSegment(reference?.[field], path.child(field), ''),
  );
}

/** What stands in a path of the API. */
function validateSegment(value = '', path: FieldPath, missing: string): FieldError[] {
  if (value === '') return [required(path, missing)];
  return (pathSegmentErrors(value) ?? []).map(why => invalidValue(path, value, why));
}

/** Of several sources upstream looks into the first, and forbids the others. */
function validateMetric(metric: MetricSpec, path: FieldPath): FieldError[] {
  const { type = '' } = metric;
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(path.child('type'), 'must specify a metric source type'));
  errors.push(...oneOf(type, [...FIELDS.keys()], path.child('type')));
  const given = SOURCES.filter(field => metric[field] !== undefined);
  const [first] = given;
  if (first !== undefined) errors.push(...validateSource(first, metric, path.child(first)));
  const expected = FIELDS.get(type);
  if (expected !== undefined && metric[expected] === undefined) {
    const why = 'must populate information for the given metric source';
    errors.push(required(path.child(expected), why));
  }
  const others = given.length === 1 ? [] : given.filter(field => field !== expected);
  const only = 'must populate the given metric source only';
  return [...errors, ...others.map(field => forbiddenValue(path.child(field), only))];
}

function validateSource(field: Source, metric: MetricSpec, path: FieldPath): FieldError[] {
  switch (field) {
    case 'object':
      return validateObject(metric.object ?? {}, path);
    case 'external':
      return validateExternal(metric.external ?? {}, path);
    case 'pods':
      return validatePods(metric.pods ?? {}, path);
    case 'resource':
      return validateResource(metric.resource ?? {}, path);
    case 'containerResource':
      return validateContainerResource(metric.containerResource ?? {}, path);
  }
}

function validateObject(source: Partial<ObjectMetricSource>, path: FieldPath): FieldError[] {
  const errors = [
    ...validateReference(source.describedObject, path.child('describedObject')),
    ...validateIdentified(source, path),
  ];
  const { value, averageValue } = source.target ?? {};
  if (value === undefined && averageValue === undefined) {
    const why = 'must set either a target value or averageValue';
    errors.push(required(path.child('target', 'averageValue'), why));
  }
  return errors;
}

function validateExternal(source: Partial<ExternalMetricSource>, path: FieldPath): FieldError[] {
  const errors = validateIdentified(source, path);
  const { value, averageValue } = source.target ?? {};
  if (value === undefined && averageValue === undefined) {
    const why = 'must set either a target value for metric or a per-pod target';
    errors.push(required(path.child('target', 'averageValue'), why));
  }
  if (value !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target value for metric and a per-pod target';
    errors.push(forbiddenValue(path.child('target', 'value'), why));
  }
  return errors;
}

function validatePods(source: Partial<PodsMetricSource>, path: FieldPath): FieldError[] {
  const errors = validateIdentified(source, path);
  if (source.target?.averageValue === undefined) {
    const why = 'must specify a positive target averageValue';
    errors.push(required(path.child('target', 'averageValue'), why));
  }
  return errors;
}

function validateIdentified(
  source: { readonly metric?: Partial<MetricIdentifier>; readonly target?: MetricTarget },
  path: FieldPath,
): FieldError[] {
  return [
    ...validateSegment(
      source.metric?.name,
      path.child('metric', 'name'),
      'must specify a metric name',
    ),
    ...validateTarget(source.target, path.child('target')),
  ];
}

function validateContainerResource(
  source: Partial<ContainerResourceMetricSource>,
  path: FieldPath,
): FieldError[] {
  const { name = '', container = '' } = source;
  const errors: FieldError[] = [];
  if (name !== '') errors.push(...validateResourceName(name, path.child('name')));
  if (container === '') errors.push(required(path.child('container'), 'must specify a container'));
  else {
    const findings = dns1123LabelErrors(container) ?? [];
    errors.push(...findings.map(why => invalidValue(path.child('container'), container, why)));
  }
  return [...errors, ...validateResource(source, path)];
}

function validateResource(source: Partial<ResourceMetricSource>, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!source.name) errors.push(required(path.child('name'), 'must specify a resource name'));
  errors.push(...validateTarget(source.target, path.child('target')));
  const { averageUtilization, averageValue } = source.target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization';
    errors.push(required(path.child('target', 'averageUtilization'), why));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target raw value and a target utilization';
    errors.push(forbiddenValue(path.child('target', 'averageValue'), why));
  }
  return errors;
}

function validateTarget(target: MetricTarget | undefined, path: FieldPath): FieldError[] {
  const { type = '', averageUtilization, averageValue, value } = target ?? {};
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(path.child('type'), 'must specify a metric target type'));
  if (!TARGETS.includes(type)) {
    const why = 'must be either Utilization, Value, or AverageValue';
    errors.push(invalidValue(path.child('type'), type, why));
  }
  errors.push(
    ...validatePositive(value, path.child('value')),
    ...validatePositive(averageValue, path.child('averageValue')),
  );
  if (averageUtilization !== undefined && averageUtilization < 1) {
    const field = path.child('averageUtilization');
    errors.push(invalidValue(field, averageUtilization, 'must be greater than 0'));
  }
  return errors;
}

function validatePositive(text: string | undefined, path: FieldPath): FieldError[] {
  if (text === undefined || compareQuantities(parseQuantity(text), ZERO) > 0) return [];
  return [invalidValue(path, text, 'must be positive')];
}

function validateRules(rules: HPAScalingRules | undefined, path: FieldPath): FieldError[] {
  if (rules === undefined) return [];
  const {
    stabilizationWindowSeconds: window = 0,
    selectPolicy,
    policies = [],
    tolerance = '0',
  } = rules;
  const errors: FieldError[] = [];
  const windowPath = path.child('stabilizationWindowSeconds');
  if (window < 0) {
    errors.push(invalidValue(windowPath, window, 'must be greater than or equal to zero'));
  }
  errors.push(...atMost(window, WINDOW_SECONDS_MAX, windowPath));
  if (selectPolicy !== undefined) {
    errors.push(...oneOf(selectPolicy, SELECTIONS, path.child('selectPolicy')));
  }
  if (policies.length === 0) {
    errors.push(required(path.child('policies'), 'must specify at least one Policy'));
  }
  return [
    ...errors,
    ...policies.flatMap((policy, i) => validatePolicy(policy, path.child('policies').index(i))),
    ...validateNonNegativeQuantity(tolerance, path.child('tolerance')),
  ];
}

function validatePolicy(policy: Partial<HPAScalingPolicy>, path: FieldPath): FieldError[] {
  const { type = '', value = 0, periodSeconds = 0 } = policy;
  const errors = oneOf(type, POLICIES, path.child('type'));
  if (value <= 0) {
    errors.push(invalidValue(path.child('value'), value, 'must be greater than zero'));
  }
  const periodPath = path.child('periodSeconds');
  if (periodSeconds <= 0) {
    errors.push(invalidValue(periodPath, periodSeconds, 'must be greater than zero'));
  }
  return [...errors, ...atMost(periodSeconds, PERIOD_SECONDS_MAX, periodPath)];
}

function atMost(value: number, max: number, path: FieldPath): FieldError[] {
  return value > max ? [invalidValue(path, value, `must be less than or equal to ${max}`)] : [];
}

/** In the order in which upstream looks at them. */
const SOURCES = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type Source = (typeof SOURCES)[number];
/** By type, which are sorted. */
const FIELDS: ReadonlyMap<string, Source> = new Map<string, Source>([
  ['ContainerResource', 'containerResource'],
  ['External', 'external'],
  ['Object', 'object'],
  ['Pods', 'pods'],
  ['Resource', 'resource'],
]);
const TARGETS = ['Utilization', 'Value', 'AverageValue'];
const SELECTIONS = ['Disabled', 'Max', 'Min'];
const POLICIES = ['Percent', 'Pods'];
const WINDOW_SECONDS_MAX = 3_600;
const PERIOD_SECONDS_MAX = 1_800;
const ZERO = parseQuantity('0');
