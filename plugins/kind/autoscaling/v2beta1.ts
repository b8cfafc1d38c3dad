import type { autoscalingV2beta1, HorizontalPodAutoscaler } from 'kernetes/sdk';
import { behaviorAnnotation, takeBehavior } from './annotations.ts';
import { newSpec, newStatus, oldSpec, oldStatus, present } from './earlier-metrics.ts';

export type HpaV2beta1 = autoscalingV2beta1.HorizontalPodAutoscaler;

/**
 * v2beta1 spelled out what v2 has as a metric's identifier and target, and had no `behavior`: that
 * travels in an annotation. Neither changes its argument.
 */
export function toV2beta1(hpa: HorizontalPodAutoscaler): HpaV2beta1 {
  const { metadata, spec, status, ...rest } = hpa;
  const { metrics, behavior, ...same } = spec ?? {};
  const { currentMetrics, ...statusSame } = status ?? { desiredReplicas: 0 };
  const annotations = { ...metadata.annotations, ...behaviorAnnotation(behavior) };
  return {
    ...rest,
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...same, ...(metrics && { metrics: metrics.map(oldSpec) }) },
    status: present({
      currentReplicas: 0,
      conditions: [],
      ...statusSame,
      currentMetrics: currentMetrics?.map(oldStatus),
    }),
  };
}

export function fromV2beta1(hpa: HpaV2beta1): HorizontalPodAutoscaler {
  const { metadata, spec, status, ...rest } = hpa;
  const { metrics, ...same } = spec ?? { maxReplicas: 0, scaleTargetRef: { kind: '', name: '' } };
  const { currentMetrics, conditions, ...statusSame } = status ?? {
    currentReplicas: 0,
    desiredReplicas: 0,
  };
  const { annotations: given, ...kept } = metadata;
  const annotations = { ...given };
  const behavior = takeBehavior(annotations);
  return {
    ...rest,
    metadata: { ...kept, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: present({ ...same, metrics: metrics?.map(newSpec), behavior }),
    status: present({
      ...statusSame,
      conditions: conditions?.length ? conditions : undefined,
      currentMetrics: currentMetrics?.map(newStatus),
    }),
  };
}
