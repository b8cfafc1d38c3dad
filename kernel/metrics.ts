import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricRecord } from '../sdk/link.ts';

/** All plugins' metrics, each name prefixed with its plugin's. Served as Prometheus text. */
export class MetricsRegistry {
  readonly #registry = new Registry();

  record(plugin: string, record: MetricRecord): void {
    const name = `${plugin}_${record.name}`.replace(/[^a-zA-Z0-9_]/g, '_');
    const metric = this.#registry.getSingleMetric(name) ?? this.#make(name, record);
    addLabelNames(metric as unknown as Labelled, Object.keys(record.labels));
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

interface Labelled {
  readonly labelNames: string[];
  /** The order in which the client library reads the labels of a value. */
  sortedLabelNames: string[];
}

/**
 * A metric may have values with other labels than its first one had (a queue that has a name beside
 * one that has none). The library wants to know all names beforehand; values keep their places when
 * names are added, as it skips those that a value does not have.
 */
function addLabelNames(metric: Labelled, names: readonly string[]): void {
  const added = names.filter(name => !metric.labelNames.includes(name));
  if (added.length === 0) return;
  metric.labelNames.push(...added);
  metric.sortedLabelNames = [...metric.labelNames].sort();
}
