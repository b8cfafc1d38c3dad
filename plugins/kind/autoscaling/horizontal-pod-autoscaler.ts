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
  NAME_COLUMN,
  type TableCell,
} from 'kernetes/sdk';
import { targetsText } from './targets.ts';
import { fromV1, type HpaV1, toV1 } from './v1.ts';
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
  versions: [v2('v2'), v1(), v2('v2beta2')],
  strategy: {
    status: true,
    prepareCreate: hpa => {
      hpa.status = { desiredReplicas: 0, currentReplicas: 0 };
    },
    validate: validateHpa,
  },
});

/** v2beta2 has v2's shape. */
function v2(name: string): KindVersion {
  return defineVersion<HorizontalPodAutoscaler>({
    name,
    schema: builtInSchema(GROUP, name, 'HorizontalPodAutoscaler'),
    defaults: defaultV2,
    columns: COLUMNS,
    row: hpaRow,
  });
}

function v1(): KindVersion {
  return defineVersion<HpaV1>({
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', 'HorizontalPodAutoscaler'),
    defaults: ({ spec, metadata }) => {
      spec.minReplicas ??= 1;
      const others = metadata.annotations?.['autoscaling.alpha.kubernetes.io/metrics'];
      if (!others) spec.targetCPUUtilizationPercentage ??= DEFAULT_CPU_PERCENT;
    },
    toStorage: hpa => fromV1(hpa) as unknown as HpaV1,
    fromStorage: hpa => toV1(hpa as unknown as HorizontalPodAutoscaler),
    columns: COLUMNS,
    row: (hpa, now) => hpaRow(fromV1(structuredClone(hpa)), now),
  });
}

export function defaultV2({ spec }: HorizontalPodAutoscaler): void {
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
    `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    targetsText(spec.metrics ?? [], status?.currentMetrics ?? []),
    spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
    spec.maxReplicas,
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
