import type {
  autoscalingV1,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
  StringMap,
} from 'kernetes/sdk';
import {
  annotation,
  behaviorAnnotation,
  CONDITIONS,
  CURRENT_METRICS,
  METRICS,
  takeBehavior,
  takeList,
} from './annotations.ts';
import {
  newSpec,
  newStatus,
  type OldSpec,
  type OldStatus,
  oldSpec,
  oldStatus,
} from './earlier-metrics.ts';

export type HpaV1 = autoscalingV1.HorizontalPodAutoscaler;

/** v2 as v1 shows it: the CPU target as a field, everything else in annotations. */
export function toV1(hpa: HorizontalPodAutoscaler): HpaV1 {
  const { metadata, spec, status, ...rest } = hpa;
  const { metrics = [], behavior, ...same } = spec ?? {};
  const cpu = metrics.find(isCpuUtilization);
  const others = metrics.filter(metric => metric !== cpu);
  const { conditions, currentMetrics, ...statusSame } = status ?? NO_STATUS;
  const currentCpu = currentMetrics?.find(isCpuStatus);
  const annotations = {
    ...metadata.annotations,
    ...annotation(METRICS, others.map(oldSpec)),
    ...behaviorAnnotation(behavior),
    ...annotation(CONDITIONS, conditions),
    // Those of the field too: there they have their values as well.
    ...annotation(CURRENT_METRICS, currentMetrics?.map(oldStatus)),
  };
  const target = cpu?.resource?.target.averageUtilization;
  const current = currentCpu?.resource?.current.averageUtilization;
  return {
    ...rest,
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...same, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    status: {
      currentReplicas: 0,
      ...statusSame,
      ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
    },
  };
}

export function fromV1(hpa: HpaV1): HorizontalPodAutoscaler {
  const { metadata, spec, status, ...rest } = hpa;
  const { targetCPUUtilizationPercentage: target, ...same } = spec ?? {};
  const { currentCPUUtilizationPercentage: current, ...statusSame } = status ?? NO_STATUS;
  const annotations: StringMap = { ...metadata.annotations };
  // Upstream has those of the annotation first, and shows them in this order.
  const metrics = [
    ...(takeList<OldSpec>(annotations, METRICS, 'v2beta1.MetricSpec') ?? []).map(newSpec),
    ...(target === undefined ? [] : [cpuMetric(target)]),
  ];
  const behavior = takeBehavior(annotations);
  const conditions = takeList<HorizontalPodAutoscalerCondition>(
    annotations,
    CONDITIONS,
    'v2.HorizontalPodAutoscalerCondition',
  );
  const currentMetrics =
    takeList<OldStatus>(annotations, CURRENT_METRICS, 'v2beta1.MetricStatus')?.map(newStatus) ??
    (current === undefined ? [] : [cpuStatus(current)]);
  const { annotations: _, ...kept } = metadata;
  return {
    ...rest,
    metadata: { ...kept, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...same, ...(metrics.length > 0 && { metrics }), ...(behavior && { behavior }) },
    status: {
      ...statusSame,
      ...(conditions && { conditions }),
      ...(currentMetrics.length > 0 && { currentMetrics }),
    },
  };
}

/** As a table shows it: v1 does not say where the CPU's metric stands, but its status does. */
export function shownV1(hpa: HpaV1): HorizontalPodAutoscaler {
  const shown = fromV1(hpa);
  if (hpa.spec?.targetCPUUtilizationPercentage === undefined) return shown;
  const metrics = shown.spec.metrics ?? [];
  const others = metrics.slice(0, -1);
  const at = Math.max(0, shown.status?.currentMetrics?.findIndex(isCpuStatus) ?? 0);
  const inOrder = [...others.slice(0, at), ...metrics.slice(-1), ...others.slice(at)];
  return { ...shown, spec: { ...shown.spec, metrics: inOrder } };
}

function isCpuUtilization({ type, resource }: MetricSpec): boolean {
  return (
    type === 'Resource' &&
    resource?.name === 'cpu' &&
    resource.target.averageUtilization !== undefined
  );
}

function isCpuStatus({ type, resource }: MetricStatus): boolean {
  return (
    type === 'Resource' &&
    resource?.name === 'cpu' &&
    resource.current.averageUtilization !== undefined
  );
}

function cpuMetric(averageUtilization: number): MetricSpec {
  const target = { type: 'Utilization', averageUtilization };
  return { type: 'Resource', resource: { name: 'cpu', target } };
}

function cpuStatus(averageUtilization: number): MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } };
}

const NO_STATUS: HorizontalPodAutoscalerStatus & autoscalingV1.HorizontalPodAutoscalerStatus = {
  currentReplicas: 0,
  desiredReplicas: 0,
};
