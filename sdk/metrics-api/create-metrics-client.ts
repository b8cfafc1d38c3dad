import type { CrossVersionObjectReference } from '../api/types-autoscaling-v2.ts';
import { parseGoDuration } from '../go-duration.ts';
import type {
  ExternalMetricValues,
  MetricQuery,
  MetricReading,
  MetricsClient,
  ObjectMetricQuery,
  PodMetricValues,
  PodsMetricQuery,
  ResourceMetricQuery,
} from '../metrics-client.ts';
import type { ObjectClient } from '../objects.ts';
import { quantityMilliValue } from '../quantity.ts';
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
import { PodMetrics } from './resource-metrics.ts';

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
      const pods = values.map(
        value => [value.describedObject.name ?? '', readingOf(value)] as const,
      );
      return { pods: new Map(pods), timestamp: pods[0]?.[1].timestamp ?? 0 };
    },
    async object({ object, ...query }) {
      const [value] = await custom({ ...query, ...placeOf(object) });
      if (value === undefined) throw noMetrics('custom');
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
): Promise<PodMetricValues> {
  const labelSelector = podSelector;
  const { items } = await objects.list(PodMetrics, { namespace, labelSelector });
  const pods = new Map<string, MetricReading>();
  for (const { metadata, containers, timestamp, window } of items) {
    const asked = containers.filter(({ name }) => container === undefined || name === container);
    const usages = asked.map(({ usage }) => usage[resource]);
    const known = usages.filter(usage => usage !== undefined);
    if (known.length === 0 || known.length < usages.length) continue;
    const milli = known.reduce((sum, usage) => sum + quantityMilliValue(usage), 0);
    const windowMs = Number((parseGoDuration(window) ?? 0n) / 1_000_000n);
    pods.set(metadata.name ?? '', { milli, timestamp: Date.parse(timestamp), windowMs });
  }
  const [first] = pods.values();
  return { pods, timestamp: first?.timestamp ?? 0 };
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
): Promise<MetricValue[]> {
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
      return (await objects.request<MetricValueList>(request)).items;
    } catch (error) {
      // An adapter may have an older version only; of both refusals the first says more.
      if (!ApiError.is(error, 'NotFound')) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

function readingOf({ timestamp, value, windowSeconds }: MetricValue): MetricReading {
  return {
    milli: quantityMilliValue(value),
    timestamp: Date.parse(timestamp),
    windowMs: windowSeconds === undefined ? WINDOW_MS : windowSeconds * 1_000,
  };
}

async function externalValues(
  objects: Pick<ObjectClient, 'request'>,
  { namespace, metric, metricSelector }: MetricQuery,
): Promise<ExternalMetricValues> {
  const { items } = await objects.request<ExternalMetricValueList>({
    verb: 'list',
    group: EXTERNAL_METRICS_GROUP,
    version: EXTERNAL_METRICS_VERSION,
    resource: metric,
    namespace,
    options: metricSelector ? { labelSelector: metricSelector } : {},
  });
  const [first] = items;
  if (first === undefined) throw noMetrics('external');
  return {
    milli: items.map(({ value }) => quantityMilliValue(value)),
    timestamp: Date.parse(first.timestamp),
  };
}

function noMetrics(api: 'custom' | 'external'): ApiError {
  const message = `no metrics returned from ${api} metrics API`;
  return new ApiError({ message, reason: 'NotFound', code: 404 });
}

/** Upstream's for what tells no window. */
const WINDOW_MS = 60_000;
