import type { CrossVersionObjectReference } from '../api/types-autoscaling-v2.ts';
import { parseGoDuration } from '../go-duration.ts';
import {
  MetricError,
  type MetricQuery,
  type MetricReading,
  type MetricsClient,
  type ObjectMetricQuery,
  type PodReadings,
  type PodsMetricQuery,
  type ResourceMetricQuery,
} from '../metrics-client.ts';
import type { ObjectClient } from '../objects.ts';
import { QuantityError, quantityMilliValue } from '../quantity.ts';
import type { ObjectRequest } from '../request.ts';
import { ApiError } from '../status.ts';
import {
  CUSTOM_METRICS_GROUP,
  CUSTOM_METRICS_VERSIONS,
  EXTERNAL_METRICS_GROUP,
  EXTERNAL_METRICS_VERSION,
  type ExternalMetricValueList,
  type MetricValue,
  type MetricValueList,
} from './custom-metrics.ts';
import { type ContainerMetrics, PodMetrics } from './resource-metrics.ts';

/**
 * Reads metrics at the door, whoever serves them: plugins, or a server behind an APIService. The
 * plugin needs `list` of `pods` in `metrics.k8s.io`, `get` of all in `custom.metrics.k8s.io` and
 * `list` of all in `external.metrics.k8s.io`.
 */
export function createMetricsClient(
  objects: Pick<ObjectClient, 'list' | 'request'>,
): MetricsClient {
  const custom = (query: CustomQuery) => customValues(objects, query);
  return {
    resource: query => resourceValues(objects, query),
    async pods({ podSelector, ...query }) {
      const values = await custom({ ...query, resource: 'pods', name: '*', podSelector });
      return new Map(
        values.map(value => [value.describedObject?.name ?? '', readingOf(value)] as const),
      );
    },
    async object({ object, ...query }) {
      const [value] = await custom({ ...query, ...placeOf(object) });
      return readingOf(value);
    },
    external: query => externalValues(objects, query),
  };
}

/** The plural that upstream guesses for a kind: of all built-in ones it is right. */
export function guessedResource({ kind, apiVersion = '' }: CrossVersionObjectReference): string {
  const group = apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '';
  const plural = pluralOf(kind.toLowerCase());
  return group === '' ? plural : `${plural}.${group}`;
}

function pluralOf(singular: string): string {
  if (singular === 'endpoints') return singular;
  if (singular.endsWith('s')) return `${singular}es`;
  if (singular.endsWith('y')) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}

async function resourceValues(
  objects: Pick<ObjectClient, 'list'>,
  { namespace, podSelector, resource, container }: ResourceMetricQuery,
): Promise<PodReadings> {
  const labelSelector = podSelector;
  const items = itemsOf(await objects.list(PodMetrics, { namespace, labelSelector }), 'resource');
  const pods = new Map<string, MetricReading>();
  for (const item of items) {
    const asked = containersOf(item, container);
    const usages = asked.map(({ usage }) => usage?.[resource]);
    const known = usages.filter(usage => usage !== undefined);
    if (known.length === 0 || known.length < usages.length) continue;
    const milli = known.reduce((sum, usage) => sum + milliOf(usage), 0);
    const windowMs = Number((parseGoDuration(`${item.window}`) ?? 0n) / 1_000_000n);
    const timestamp = timeOf(item.timestamp);
    pods.set(item.metadata?.name ?? '', { milli, timestamp, windowMs });
  }
  return pods;
}

function containersOf(
  { metadata, containers }: Partial<PodMetrics>,
  container: string | undefined,
): Partial<ContainerMetrics>[] {
  const all = containers ?? [];
  if (container === undefined) return all;
  const found = all.find(({ name }) => name === container);
  if (found) return [found];
  const pod = `${metadata?.namespace}/${metadata?.name}`;
  const why = `container ${container} not present in metrics for pod ${pod}`;
  throw new MetricError(`failed to get container metrics: ${why}`);
}

interface CustomQuery extends MetricQuery {
  readonly resource: string;
  readonly name: string;
  readonly podSelector?: PodsMetricQuery['podSelector'];
}

/** A namespace is described where it is itself the namespace, as upstream. */
function placeOf(object: ObjectMetricQuery['object']): Pick<CustomQuery, 'resource' | 'name'> {
  const resource = guessedResource(object);
  return resource === 'namespaces'
    ? { resource: 'metrics', name: '' }
    : { resource, name: object.name };
}

async function customValues(
  objects: Pick<ObjectClient, 'request'>,
  { namespace, resource, name, metric, metricSelector, podSelector }: CustomQuery,
): Promise<readonly Partial<MetricValue>[]> {
  const options = {
    ...(podSelector && { labelSelector: podSelector }),
    ...(metricSelector && { metricLabelSelector: metricSelector }),
  };
  const place = name === '' ? { name: metric } : { name, subresource: metric };
  const asked = {
    verb: 'get',
    group: CUSTOM_METRICS_GROUP,
    namespace,
    resource,
    ...place,
    options,
  };
  let refusal: unknown;
  for (const version of CUSTOM_METRICS_VERSIONS) {
    try {
      const request = { ...asked, version } as ObjectRequest;
      return itemsOf(await objects.request<MetricValueList>(request), 'custom');
    } catch (error) {
      // An adapter may have an older version only; of both refusals the first says more.
      if (!ApiError.is(error, 'NotFound')) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function readingOf({ timestamp, value, windowSeconds }: Partial<MetricValue> = {}): MetricReading {
  return {
    milli: milliOf(value),
    timestamp: timeOf(timestamp),
    windowMs: typeof windowSeconds === 'number' ? windowSeconds * 1_000 : WINDOW_MS,
  };
}

async function externalValues(
  objects: Pick<ObjectClient, 'request'>,
  { namespace, metric, metricSelector }: MetricQuery,
): Promise<readonly number[]> {
  const list = await objects.request<ExternalMetricValueList>({
    verb: 'list',
    group: EXTERNAL_METRICS_GROUP,
    version: EXTERNAL_METRICS_VERSION,
    resource: metric,
    namespace,
    options: metricSelector ? { labelSelector: metricSelector } : {},
  });
  return itemsOf(list, 'external').map(({ value }) => milliOf(value));
}

/** Never none. Whoever serves an API may answer with anything. */
function itemsOf<T>(list: { readonly items?: readonly T[] }, api: string): readonly Partial<T>[] {
  const { items } = list;
  if (Array.isArray(items) && items.length > 0) return items;
  throw new MetricError(`no metrics returned from ${api} metrics API`);
}

function milliOf(quantity: string | undefined): number {
  try {
    // As upstream, which reads numbers too.
    return quantityMilliValue(`${quantity}`);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new MetricError(`the value ${JSON.stringify(quantity)} is no quantity`);
  }
}

function timeOf(text: string | undefined): number {
  const ms = Date.parse(text ?? '');
  if (Number.isFinite(ms)) return ms;
  throw new MetricError(`the timestamp ${JSON.stringify(text)} is no time`);
}

/** Upstream's for what tells no window. */
const WINDOW_MS = 60_000;
