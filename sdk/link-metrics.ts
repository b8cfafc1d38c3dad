import type { KernelLink, MetricRecord } from './link.ts';
import type { Labels, Metrics } from './metrics.ts';

/** Metrics that are kept at the link's other end, which also adds the plugin's name to theirs. */
export function createMetrics(link: KernelLink): Metrics {
  const made = new Map<string, unknown>();
  /** The same name gives the same metric. */
  function once<M>(type: MetricRecord['type'], name: string, make: () => M): M {
    const key = `${type} ${name}`;
    const metric = made.get(key) ?? make();
    made.set(key, metric);
    return metric as M;
  }
  function record(type: MetricRecord['type'], name: string, help: string) {
    return (value: number, labels: Labels = {}) => link.metric({ type, name, help, value, labels });
  }

  return {
    counter: (name, help) =>
      once('counter', name, () => {
        const send = record('counter', name, help);
        return { add: (value = 1, labels?: Labels) => send(value, labels) };
      }),
    gauge: (name, help) => once('gauge', name, () => ({ set: record('gauge', name, help) })),
    histogram: (name, help, buckets) =>
      once('histogram', name, () => ({
        observe: (value: number, labels: Labels = {}) =>
          link.metric({
            type: 'histogram',
            name,
            help,
            value,
            labels,
            ...(buckets && { buckets }),
          }),
      })),
  };
}
