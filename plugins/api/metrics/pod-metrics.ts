import {
  addQuantities,
  type Clock,
  formatQuantity,
  type KindDefinition,
  METRICS_GROUP,
  type MeasuredPod,
  notFound,
  type PodMetrics,
  type PodUsageQuery,
  parseQuantity,
  toTime,
} from 'kernetes/sdk';
import { byKey, defineMetricsKind, type MetricsKindOptions, USAGE } from './metrics-kind.ts';
import { usageOf, windowOf } from './usage-quantity.ts';

/** What pods use, as those tell that run them. */
export function podMetricsKind({ sources, clock }: MetricsKindOptions): KindDefinition {
  const ask = async (query: PodUsageQuery) => {
    const all = await Promise.all(sources().map(source => source.pods(query)));
    return all
      .flatMap(({ pods, timestampMs }) => pods.map(pod => podMetrics(pod, timestampMs, clock)))
      .sort(byKey);
  };
  return defineMetricsKind<PodMetrics>({
    kind: 'PodMetrics',
    resource: 'pods',
    namespaced: true,
    properties: {
      containers: {
        type: 'array',
        items: {
          type: 'object',
          properties: { name: { type: 'string' }, usage: USAGE },
          required: ['name', 'usage'],
        },
      },
    },
    cells: metrics => [sumOf(metrics, 'cpu'), sumOf(metrics, 'memory'), metrics.window ?? ''],
    virtual: {
      async get(name, { namespace }) {
        const [found] = await ask({ namespace, name });
        if (found) return found;
        throw notFound({ group: METRICS_GROUP, resource: 'podmetrics' }, `${namespace}/${name}`);
      },
      list: ({ namespace, options: { labelSelector = '' } }) => ask({ namespace, labelSelector }),
    },
  });
}

function podMetrics(pod: MeasuredPod, timestampMs: number, clock: Clock): PodMetrics {
  const { namespace, name, labels, containers } = pod;
  const windowMs = Math.min(...containers.map(each => each.windowMs));
  return {
    metadata: { name, namespace, creationTimestamp: toTime(clock.now()), labels: { ...labels } },
    timestamp: toTime(timestampMs),
    window: windowOf(windowMs),
    containers: containers.map(each => ({ name: each.name, usage: usageOf(each) })),
  };
}

function sumOf({ containers = [] }: Partial<PodMetrics>, resource: string): string {
  const usages = containers.map(({ usage = {} }) => parseQuantity(usage[resource] ?? '0'));
  return formatQuantity(usages.reduce(addQuantities, parseQuantity('0')));
}
