/** The API groups of metrics: `metrics.k8s.io`, `custom.metrics.k8s.io`, `external.metrics.k8s.io`. */
export * from './create-metrics-client.ts';
export * from './custom-metrics.ts';
export * from './resource-metrics.ts';
