import type {
  Affinity,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from '../api/types-core-v1.ts';
import {
  duplicate,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
} from '../field-path.ts';
import { nameFindings, validateLabelName, validateLabelSelector } from '../label-validation.ts';
import { dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from '../names.ts';
import type { FieldError } from '../status.ts';
import { validateChoice, validateOptionalChoice } from './choice.ts';
import { validateNodeSelector, validateNodeSelectorTerm } from './node-selector-validation.ts';

export function validateAffinity(affinity: Affinity, path: FieldPath): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const errors: FieldError[] = [];
  if (nodeAffinity) {
    const at = path.child('nodeAffinity');
    const hard = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    if (hard) errors.push(...validateNodeSelector(hard, at.child(REQUIRED)));
    const soft = nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const [i, { weight, preference }] of soft.entries()) {
      const one = at.child(PREFERRED).index(i);
      errors.push(...validateWeight(weight, one.child('weight')));
      errors.push(...validateNodeSelectorTerm(preference ?? {}, one.child('preference')));
    }
  }
  if (podAffinity) errors.push(...validatePodAffinity(podAffinity, path.child('podAffinity')));
  if (podAntiAffinity) {
    errors.push(...validatePodAffinity(podAntiAffinity, path.child('podAntiAffinity')));
  }
  return errors;
}

export function validateTolerations(
  tolerations: readonly Toleration[],
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, toleration] of tolerations.entries()) {
    errors.push(...validateToleration(toleration, path.index(i)));
  }
  return errors;
}

export function validateSpread(
  constraints: readonly TopologySpreadConstraint[],
  path: FieldPath,
): FieldError[] {
  const seen = new Set<string>();
  return constraints.flatMap((constraint, i) => {
    const errors = validateConstraint(constraint, path.index(i));
    const { topologyKey, whenUnsatisfiable } = constraint;
    const identity = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(identity)) {
      errors.push(duplicate(path.index(i).child('{topologyKey, whenUnsatisfiable}'), identity));
    }
    seen.add(identity);
    return errors;
  });
}

/** Readiness gates and scheduling gates. */
export function validateGates(
  { readinessGates = [], schedulingGates = [] }: PodSpec,
  path: FieldPath,
): FieldError[] {
  const names = new Set<string>();
  return [
    ...readinessGates.flatMap(({ conditionType = '' }, i) => {
      const at = path.child('readinessGates').index(i).child('conditionType');
      return nameFindings(at, conditionType, qualifiedNameErrors(conditionType));
    }),
    ...schedulingGates.flatMap(({ name = '' }, i) => {
      const at = path.child('schedulingGates').index(i);
      const errors = nameFindings(at, name, qualifiedNameErrors(name));
      if (names.has(name)) errors.push(duplicate(at, name));
      names.add(name);
      return errors;
    }),
  ];
}

function validatePodAffinity(affinity: PodAffinity, path: FieldPath): FieldError[] {
  const hard = affinity.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const soft = affinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...hard.flatMap((term, i) => validateAffinityTerm(term, path.child(REQUIRED).index(i))),
    ...soft.flatMap(({ weight, podAffinityTerm }, i) => {
      const at = path.child(PREFERRED).index(i);
      return [
        ...validateWeight(weight, at.child('weight')),
        ...validateAffinityTerm(podAffinityTerm, at.child('podAffinityTerm')),
      ];
    }),
  ];
}

function validateAffinityTerm(term: PodAffinityTerm, path: FieldPath): FieldError[] {
  const { namespaces = [], topologyKey, labelSelector } = term ?? {};
  const errors = [
    ...validateLabelSelector(labelSelector, path.child('labelSelector')),
    ...validateLabelSelector(term?.namespaceSelector, path.child('namespaceSelector')),
    ...namespaces.flatMap(name =>
      nameFindings(path.child('namespace'), name, dns1123LabelErrors(name)),
    ),
  ];
  for (const field of ['matchLabelKeys', 'mismatchLabelKeys'] as const) {
    errors.push(...validateLabelKeys(term?.[field] ?? [], labelSelector, path.child(field)));
  }
  return [...errors, ...validateTopologyKey(topologyKey, path.child('topologyKey'))];
}

function validateTopologyKey(key: string | undefined, path: FieldPath): FieldError[] {
  return key ? validateLabelName(key, path) : [required(path, 'can not be empty')];
}

function validateWeight(weight: number, path: FieldPath): FieldError[] {
  if (weight >= 1 && weight <= 100) return [];
  return [invalidValue(path, weight ?? 0, 'must be in the range 1-100')];
}

function validateLabelKeys(
  keys: readonly string[],
  labelSelector: object | undefined,
  path: FieldPath,
): FieldError[] {
  if (keys.length > 0 && !labelSelector) {
    return [forbiddenValue(path, 'must not be specified when labelSelector is not set')];
  }
  return keys.flatMap((key, i) => validateLabelName(key, path.index(i)));
}

function validateToleration(toleration: Toleration, path: FieldPath): FieldError[] {
  const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
  const at = path.child('operator');
  const errors = key ? validateLabelName(key, path.child('key')) : [];
  if (key === '' && operator !== 'Exists') {
    const why =
      'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalidValue(at, operator, why));
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(invalidValue(path.child('effect'), effect, why));
  }
  if (operator === 'Equal' || operator === '') {
    const wrong = labelValueErrors(value);
    if (wrong) errors.push(invalidValue(at, value, wrong.join(';')));
  } else if (operator === 'Exists') {
    if (value !== '') {
      errors.push(invalidValue(at, toleration, "value must be empty when `operator` is 'Exists'"));
    }
  } else errors.push(notSupported(at, operator, ['Equal', 'Exists']));
  if (effect !== '' && !EFFECTS.includes(effect)) {
    errors.push(notSupported(path.child('effect'), effect, EFFECTS));
  }
  return errors;
}

function validateConstraint(constraint: TopologySpreadConstraint, path: FieldPath): FieldError[] {
  const { maxSkew = 0, minDomains, topologyKey, whenUnsatisfiable, labelSelector } = constraint;
  const errors: FieldError[] = [];
  if (maxSkew <= 0) {
    errors.push(invalidValue(path.child('maxSkew'), maxSkew, 'must be greater than zero'));
  }
  errors.push(
    ...validateTopologyKey(topologyKey, path.child('topologyKey')),
    ...validateChoice(whenUnsatisfiable, UNSATISFIABLE, path.child('whenUnsatisfiable')),
  );
  if (minDomains !== undefined) {
    const at = path.child('minDomains');
    if (minDomains <= 0) errors.push(invalidValue(at, minDomains, 'must be greater than zero'));
    if (whenUnsatisfiable !== 'DoNotSchedule') {
      const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
      errors.push(invalidValue(at, minDomains, why));
    }
  }
  for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
    errors.push(
      ...validateOptionalChoice(constraint[field], ['Honor', 'Ignore'], path.child(field)),
    );
  }
  const keys = constraint.matchLabelKeys ?? [];
  return [
    ...errors,
    ...validateLabelKeys(keys, labelSelector, path.child('matchLabelKeys')),
    ...validateLabelSelector(labelSelector, path.child('labelSelector')),
  ];
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];
