import { definePoint } from './extension.ts';
import type { MetricReading } from './metrics-client.ts';

/**
 * Metrics for autoscalers beside cpu and memory, which `api.metrics` serves as
 * `custom.metrics.k8s.io` and `external.metrics.k8s.io`. Of several sources that have a metric the
 * first in the profile is asked. Asked only when a client does; a rejection is the client's error.
 */
export interface CustomMetricsSource {
  /** What there is: nothing else is asked for. Contribute another one when it changes. */
  readonly metrics: readonly MetricName[];
  /** The values of those of the named objects that have one. */
  custom(query: CustomMetricQuery): Promise<readonly CustomMetric[]>;
  /** The series that the selector chooses. */
  external(query: ExternalMetricQuery): Promise<readonly ExternalMetric[]>;
}

export const customMetricsPoint = definePoint<CustomMetricsSource>({
  name: 'customMetrics',
  combine: 'first-claim',
  methods: ['custom', 'external'],
});

export type MetricName =
  | {
      readonly type: 'custom';
      /** Of the objects that have it, as in paths: `pods`, `ingresses.networking.k8s.io`. */
      readonly resource: string;
      readonly namespaced: boolean;
      readonly name: string;
    }
  | { readonly type: 'external'; readonly name: string };

export interface CustomMetricQuery {
  readonly resource: string;
  /** Of the objects; empty for those that are in none. */
  readonly namespace: string;
  readonly names: readonly string[];
  readonly metric: string;
  /** Of the metric's own labels, as a label selector's text that can be parsed; empty: all. */
  readonly metricSelector: string;
}

export interface CustomMetric extends MetricReading {
  /** The object's. */
  readonly name: string;
}

export interface ExternalMetricQuery {
  readonly namespace: string;
  readonly metric: string;
  readonly metricSelector: string;
}

export interface ExternalMetric extends MetricReading {
  readonly labels: Readonly<Record<string, string>>;
}
