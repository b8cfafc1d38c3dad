import {
  AGE_COLUMN,
  ageCell,
  atMost100Percent,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  invalidValue,
  type KindVersion,
  NAME_COLUMN,
  nonNegative,
  oneOf,
  type PodDisruptionBudget,
  positiveIntOrPercent,
  type TableCell,
  validateLabelSelector,
} from 'kernetes/sdk';
import { fromV1beta1, toV1beta1 } from './selector-conversion.ts';

export const podDisruptionBudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  kind: 'PodDisruptionBudget',
  resource: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  storage: { prefix: 'registry/poddisruptionbudgets', version: 'v1' },
  versions: [
    { ...budgetVersion('v1'), releases: { since: 21 } },
    {
      ...budgetVersion('v1beta1'),
      releases: { until: 24 },
      toStorage: fromV1beta1,
      fromStorage: toV1beta1,
      deprecation:
        'policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; ' +
        'use policy/v1 PodDisruptionBudget',
    },
  ],
  strategy: {
    status: true,
    generation: true,
    // Until the controller has counted, nothing may be disrupted.
    prepareCreate: budget => {
      budget.status = {
        disruptionsAllowed: 0,
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
      };
    },
    validate: validateBudget,
    validateStatusUpdate: validateBudgetStatus,
    // Two clients that each loosen a budget must not both succeed.
    unconditionalUpdate: false,
  },
});

const SPEC = fieldPath('spec');

function budgetVersion(name: string): KindVersion<PodDisruptionBudget> {
  return {
    name,
    schema: builtInSchema('policy', name, 'PodDisruptionBudget'),
    columns: [
      NAME_COLUMN,
      column('Min Available'),
      column('Max Unavailable'),
      column('Allowed Disruptions', 0, 'integer'),
      AGE_COLUMN,
    ],
    row: budgetRow,
  };
}

export function validateBudget({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const detail = 'minAvailable and maxUnavailable cannot be both set';
    errors.push(invalidValue(SPEC, spec, detail));
  }
  return [
    ...errors,
    ...positiveIntOrPercent(minAvailable, SPEC.child('minAvailable')),
    ...atMost100Percent(minAvailable, SPEC.child('minAvailable')),
    ...positiveIntOrPercent(maxUnavailable, SPEC.child('maxUnavailable')),
    ...atMost100Percent(maxUnavailable, SPEC.child('maxUnavailable')),
    ...validateLabelSelector(selector, SPEC.child('selector')),
    ...(policy === undefined
      ? []
      : oneOf(
          policy,
          ['AlwaysAllow', 'IfHealthyBudget'],
          SPEC.child('unhealthyPodEvictionPolicy'),
        )),
  ];
}

export function validateBudgetStatus({ status }: PodDisruptionBudget): FieldError[] {
  const path = fieldPath('status');
  const counts = [
    'disruptionsAllowed',
    'currentHealthy',
    'desiredHealthy',
    'expectedPods',
  ] as const;
  return counts.flatMap(name => nonNegative(status?.[name], path.child(name)));
}

export function budgetRow(budget: PodDisruptionBudget, now: number): TableCell[] {
  const { metadata, spec, status } = budget;
  return [
    metadata.name ?? '',
    String(spec?.minAvailable ?? 'N/A'),
    String(spec?.maxUnavailable ?? 'N/A'),
    status?.disruptionsAllowed ?? 0,
    ageCell(budget, now),
  ];
}
