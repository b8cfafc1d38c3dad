import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  defineVersion,
  type HorizontalPodAutoscaler,
  type HPAScalingRules,
  type KindVersion,
  type KubeObject,
  NAME_COLUMN,
  type TableCell,
} from 'kernetes/sdk';
import { targetsText } from './targets.ts';
import { fromV1, type HpaV1, shownV1, toV1 } from './v1.ts';
import { fromV2beta1, type HpaV2beta1, toV2beta1 } from './v2beta1.ts';
import { validateHpa } from './validation.ts';

const GROUP = 'autoscaling';

// Used while the module is read: it must stand before its user.
const COLUMNS = [
  NAME_COLUMN,
  column('Reference'),
  column('Targets'),
  column('MinPods'),
  column('MaxPods'),
  column('Replicas'),
  AGE_COLUMN,
];

export const horizontalPodAutoscalers = defineKind<HorizontalPodAutoscaler>({
  group: GROUP,
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/horizontalpodautoscalers', version: 'v2' },
  versions: [v2('v2'), v1(), v2beta1(), v2('v2beta2')],
  strategy: {
    status: true,
    prepareCreate: hpa => {
      hpa.status = { desiredReplicas: 0, currentReplicas: 0 };
    },
    validate: hpa => validateHpa(current(hpa)),
  },
});

/** The object as the storage version has it; the argument stays as it is. */
function current(hpa: KubeObject): HorizontalPodAutoscaler {
  switch (hpa.apiVersion) {
    case 'autoscaling/v1':
      return fromV1(hpa as HpaV1);
    case 'autoscaling/v2beta1':
      return fromV2beta1(hpa as HpaV2beta1);
    default:
      return hpa as HorizontalPodAutoscaler;
  }
}

/** v2beta2 has v2's shape. */
function v2(name: string): KindVersion {
  return defineVersion<HorizontalPodAutoscaler>({
    name,
    schema: builtInSchema(GROUP, name, 'HorizontalPodAutoscaler'),
    defaults: defaultV2,
    columns: COLUMNS,
    row: hpaRow,
    ...(name === 'v2'
      ? { releases: { since: 23 } }
      : {
          releases: { until: 25 },
          deprecation: deprecationOf(name, 'v1.23', 'v1.26'),
          fromStorage: withNulls,
        }),
  });
}

function v1(): KindVersion {
  return defineVersion<HpaV1>({
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', 'HorizontalPodAutoscaler'),
    defaults: defaultV1,
    toStorage: fromV1,
    fromStorage: hpa => toV1(hpa as unknown as HorizontalPodAutoscaler),
    columns: COLUMNS,
    row: (hpa, now) => hpaRow(shownV1(hpa), now),
  });
}

function v2beta1(): KindVersion {
  return defineVersion<HpaV2beta1>({
    name: 'v2beta1',
    schema: builtInSchema(GROUP, 'v2beta1', 'HorizontalPodAutoscaler'),
    defaults: defaultV2beta1,
    toStorage: fromV2beta1,
    fromStorage: hpa => withNulls(toV2beta1(hpa as unknown as HorizontalPodAutoscaler)),
    columns: COLUMNS,
    row: (hpa, now) => hpaRow(fromV2beta1(hpa), now),
    deprecation: deprecationOf('v2beta1', 'v1.22', 'v1.25'),
    releases: { until: 24 },
  });
}

/** The beta versions say null where there is nothing. */
function withNulls<T extends { status?: object }>(hpa: T): T {
  hpa.status = { currentMetrics: null, conditions: null, ...hpa.status };
  return hpa;
}

function deprecationOf(version: string, since: string, gone: string): string {
  const name = `HorizontalPodAutoscaler is deprecated in ${since}+, unavailable in ${gone}+`;
  return `autoscaling/${version} ${name}; use autoscaling/v2 HorizontalPodAutoscaler`;
}

/** A spec that the client left out is empty, as upstream's structs are: validation says the rest. */
function specOf<S>(hpa: { spec?: S }): S {
  hpa.spec ??= {} as S;
  return hpa.spec;
}

function defaultV1(hpa: HpaV1): void {
  const spec = specOf(hpa);
  spec.minReplicas ??= 1;
  if (hpa.metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics']) return;
  spec.targetCPUUtilizationPercentage ??= DEFAULT_CPU_PERCENT;
}

function defaultV2beta1(hpa: HpaV2beta1): void {
  const spec = specOf(hpa);
  spec.minReplicas ??= 1;
  if (spec.metrics?.length) return;
  const resource = { name: 'cpu', targetAverageUtilization: DEFAULT_CPU_PERCENT };
  spec.metrics = [{ type: 'Resource', resource }];
}

export function defaultV2(hpa: HorizontalPodAutoscaler): void {
  const spec = specOf(hpa);
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: DEFAULT_CPU_PERCENT };
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
  }
  if (!spec.behavior) return;
  spec.behavior.scaleUp = withRules(spec.behavior.scaleUp, SCALE_UP);
  spec.behavior.scaleDown = withRules(spec.behavior.scaleDown, SCALE_DOWN);
}

/** What is given, with the defaults for the rest. */
function withRules(given: HPAScalingRules | undefined, defaults: HPAScalingRules): HPAScalingRules {
  return structuredClone({ ...defaults, ...given });
}

function hpaRow(hpa: HorizontalPodAutoscaler, now: number): TableCell[] {
  const { metadata, spec, status } = hpa;
  return [
    metadata.name ?? '',
    `${spec.scaleTargetRef?.kind}/${spec.scaleTargetRef?.name}`,
    targetsText(spec.metrics ?? [], status?.currentMetrics ?? []),
    spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
    spec.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageCell(hpa, now),
  ];
}

const DEFAULT_CPU_PERCENT = 80;

/** Upstream's: fast up, slow down. */
const SCALE_UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const SCALE_DOWN: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};
