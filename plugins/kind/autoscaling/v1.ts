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
  const metrics = [
    ...(target === undefined ? [] : [cpuMetric(target)]),
    ...(takeList<OldSpec>(annotations, METRICS) ?? []).map(newSpec),
  ];
  const behavior = takeBehavior(annotations);
  const conditions = takeList<HorizontalPodAutoscalerCondition>(annotations, CONDITIONS);
  const currentMetrics =
    takeList<OldStatus>(annotations, CURRENT_METRICS)?.map(newStatus) ??
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
