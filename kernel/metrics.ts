import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricRecord } from '../sdk/link.ts';

/** All plugins' metrics, each name prefixed with its plugin's. Served as Prometheus text. */
export class MetricsRegistry {
  readonly #registry = new Registry();

  record(plugin: string, record: MetricRecord): void {
    const name = `${plugin}_${record.name}`.replace(/[^a-zA-Z0-9_]/g, '_');
    const metric = this.#registry.getSingleMetric(name) ?? this.#make(name, record);
    if (metric instanceof Counter) metric.inc(record.labels, record.value);
    else if (metric instanceof Gauge) metric.set(record.labels, record.value);
    else if (metric instanceof Histogram) metric.observe(record.labels, record.value);
  }

  /** The exposition format, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #make(name: string, { type, help, labels, buckets }: MetricRecord) {
    const options = { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
    if (type === 'counter') return new Counter(options);
    if (type === 'gauge') return new Gauge(options);
    return new Histogram({ ...options, ...(buckets && { buckets: [...buckets] }) });
  }
}
