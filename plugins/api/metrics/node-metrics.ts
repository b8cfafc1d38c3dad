import {
  type Clock,
  type KindDefinition,
  METRICS_GROUP,
  type NodeMetrics,
  type NodeUsageQuery,
  type NodeUsages,
  notFound,
  toTime,
} from 'kernetes/sdk';
import { byKey, defineMetricsKind, type MetricsKindOptions, USAGE } from './metrics-kind.ts';
import { usageOf, windowOf } from './usage-quantity.ts';

/** What nodes use, as their agents tell. */
export function nodeMetricsKind({ sources, clock }: MetricsKindOptions): KindDefinition {
  const ask = async (query: NodeUsageQuery) => {
    const all = await Promise.all(sources().map(source => source.nodes(query)));
    return all.flatMap(each => nodeMetrics(each, clock)).sort(byKey);
  };
  return defineMetricsKind<NodeMetrics>({
    kind: 'NodeMetrics',
    resource: 'nodes',
    namespaced: false,
    properties: { usage: USAGE },
    cells: ({ usage = {}, window = '' }: Partial<NodeMetrics>) => [
      usage.cpu ?? '0',
      usage.memory ?? '0',
      window,
    ],
    virtual: {
      async get(name) {
        const [found] = await ask({ name });
        if (found) return found;
        throw notFound({ group: METRICS_GROUP, resource: 'nodemetrics' }, name);
      },
      list: ({ options: { labelSelector = '' } }) => ask({ labelSelector }),
    },
  });
}

function nodeMetrics({ nodes, timestampMs, windowMs }: NodeUsages, clock: Clock): NodeMetrics[] {
  return nodes.map(({ name, labels, ...usage }) => ({
    metadata: { name, creationTimestamp: toTime(clock.now()), labels: { ...labels } },
    timestamp: toTime(timestampMs),
    window: windowOf(windowMs),
    usage: usageOf(usage),
  }));
}
