import type { CrossVersionObjectReference } from './api/types-autoscaling-v2.ts';

/**
 * What autoscalers and people know of how things are used: `metrics.k8s.io`,
 * `custom.metrics.k8s.io` and `external.metrics.k8s.io`, whoever serves them. Values are in
 * thousandths of the metric's unit (of a core, a byte, a request per second), as upstream compares
 * them. Everything rejects with an `ApiError` of the API, NotFound where nobody serves the metric,
 * or with a `MetricError`.
 */
export interface MetricsClient {
  /**
   * The use of a resource by the selected pods, by pod name; by one container of theirs when it is
   * named. A pod of which nothing is known (yet), or not of each of its containers, is absent.
   */
  resource(query: ResourceMetricQuery): Promise<PodReadings>;
  /** A metric of each of the selected pods, by pod name. */
  pods(query: PodsMetricQuery): Promise<PodReadings>;
  /** A metric of one other object. */
  object(query: ObjectMetricQuery): Promise<MetricReading>;
  /** The values, in thousandths, of all series of that name that the selector chooses. Never none. */
  external(query: MetricQuery): Promise<readonly number[]>;
}

/** The API answered, but with no value, or none that can be used. The message is upstream's. */
export class MetricError extends Error {
  override name = 'MetricError';
}

export interface MetricQuery {
  readonly namespace: string;
  readonly metric: string;
  /** Of the metric's own labels, as a label selector's text; empty: all. */
  readonly metricSelector: string;
}

export interface PodsMetricQuery extends MetricQuery {
  /** Of the pods, as a label selector's text. */
  readonly podSelector: string;
}

export interface ObjectMetricQuery extends MetricQuery {
  readonly object: CrossVersionObjectReference;
}

export interface ResourceMetricQuery {
  readonly namespace: string;
  readonly podSelector: string;
  /** `cpu` or `memory`. */
  readonly resource: string;
  readonly container?: string;
}

export interface MetricReading {
  readonly milli: number;
  /** The end of the time that was measured, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** How long was measured. */
  readonly windowMs: number;
}

/** By the pod's name. */
export type PodReadings = ReadonlyMap<string, MetricReading>;
