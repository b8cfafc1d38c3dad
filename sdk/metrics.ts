import { definePoint } from './extension.ts';

/**
 * A plugin's metrics. Names are prefixed with the plugin's (`controller.deployment` gives
 * `controller_deployment_…`) and served at `/metrics`. Making the same metric twice gives the same.
 */
export interface Metrics {
  /** Only grows. Name ends in `_total`. */
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  /** Unit last in the name: `_seconds`, `_bytes`. */
  histogram(name: string, help: string, buckets?: readonly number[]): Histogram;
}

export interface Counter {
  add(value?: number, labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

export type Labels = Readonly<Record<string, string>>;

/** Figures with names that are not the plugin's own: those that the world knows. Inline only. */
export interface MetricsSource {
  /** Lines of Prometheus's text format, version 0.0.4; called when somebody reads them. */
  text(): string;
}

export const metricsPoint = definePoint<MetricsSource>({
  name: 'metrics',
  combine: 'unique',
  methods: [],
});
