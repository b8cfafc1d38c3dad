import {
  ApiError,
  apiVersionOf,
  type Contributions,
  CUSTOM_METRICS_GROUP,
  type CustomMetric,
  type CustomMetricsSource,
  formatQuantity,
  type KindDefinition,
  type KubeObject,
  type MetricValue,
  type MetricValueList,
  type ObjectClient,
  parseLabelSelector,
  toTime,
  unknownResource,
} from 'kernetes/sdk';
import type { MetricRequest } from './metric-request.ts';

export interface MetricsApiOptions {
  readonly objects: Pick<ObjectClient, 'request'>;
  readonly sources: Contributions<CustomMetricsSource>;
  readonly kinds: Contributions<KindDefinition>;
}

/** Answers as an adapter does that is made with upstream's custom-metrics-apiserver. */
export async function customMetrics(
  request: MetricRequest,
  options: MetricsApiOptions,
): Promise<MetricValueList> {
  const subject = subjectOf(request);
  const { labelSelector, metricLabelSelector: metricSelector, version } = request;
  // What is wrong with a selector is told before anybody is asked.
  for (const selector of [labelSelector, metricSelector]) parseLabelSelector(selector);
  const { resource, namespace, metric } = subject;
  const source = sourceOf(subject, options.sources);
  const kind = kindOf(resource, options.kinds);
  if (source === undefined || kind === undefined) throw metricNotFound(subject);
  const isOne = subject.name !== '*';
  const place = { namespace, labelSelector };
  const names = isOne ? [subject.name] : await namesOf(kind, place, options.objects);
  const found = await source.custom({ resource, namespace, names, metric, metricSelector });
  if (isOne && found.length === 0) throw metricNotFound(subject);
  return {
    kind: 'MetricValueList',
    apiVersion: `${CUSTOM_METRICS_GROUP}/${version}`,
    metadata: {},
    items: found.map(each => metricValue(each, { version, metric, kind, namespace })),
  };
}

/** Whose metric is asked for. */
interface Subject {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly metric: string;
}

/** The metrics of a namespace stand where those of objects in it do. */
function subjectOf({ resource, namespace, name, subresource }: MetricRequest): Subject {
  if (resource === 'metrics' && namespace !== '' && name !== '' && subresource === '') {
    return { resource: 'namespaces', namespace: '', name: namespace, metric: name };
  }
  if (name === '' || subresource === '') throw unknownResource();
  return { resource, namespace, name, metric: subresource };
}

function sourceOf(
  { resource, namespace, metric }: Subject,
  sources: Contributions<CustomMetricsSource>,
): CustomMetricsSource | undefined {
  const has = ({ metrics }: CustomMetricsSource) =>
    metrics.some(
      each =>
        each.type === 'custom' &&
        each.name === metric &&
        each.resource === resource &&
        each.namespaced === (namespace !== ''),
    );
  return sources.list().find(({ value }) => has(value))?.value;
}

/** `ingresses.networking.k8s.io` */
function kindOf(
  qualified: string,
  kinds: Contributions<KindDefinition>,
): KindDefinition | undefined {
  const [resource = '', ...group] = qualified.split('.');
  const all = kinds.list().map(({ value }) => value);
  return all.find(each => each.resource === resource && each.group === group.join('.'));
}

/** Those that the labels choose, now. */
async function namesOf(
  { group, resource, versions }: KindDefinition,
  { namespace, labelSelector }: { readonly namespace: string; readonly labelSelector: string },
  objects: Pick<ObjectClient, 'request'>,
): Promise<string[]> {
  const version = versions[0]?.name ?? '';
  const list = await objects.request<{ readonly items: readonly KubeObject[] }>({
    ...{ verb: 'list', group, version, resource },
    ...(namespace && { namespace }),
    ...(labelSelector && { options: { labelSelector } }),
  });
  return list.items.map(({ metadata }) => metadata.name ?? '');
}

interface Shown {
  readonly version: string;
  readonly metric: string;
  readonly kind: KindDefinition;
  readonly namespace: string;
}

function metricValue(
  { name, milli, timestamp, windowMs }: CustomMetric,
  { version, metric, kind, namespace }: Shown,
): MetricValue {
  const apiVersion = apiVersionOf({ group: kind.group, version: kind.versions[0]?.name ?? '' });
  return {
    describedObject: { kind: kind.kind, ...(namespace && { namespace }), name, apiVersion },
    ...(version === 'v1beta1'
      ? { metricName: metric, selector: null }
      : { metric: { name: metric, selector: null } }),
    timestamp: toTime(timestamp),
    windowSeconds: Math.round(windowMs / 1000),
    value: milliQuantity(milli),
  };
}

export function milliQuantity(milli: number): string {
  return formatQuantity({ mantissa: BigInt(milli), scale: -3, format: 'DecimalSI' });
}

function metricNotFound({ metric, resource, name }: Subject): ApiError {
  const what = `${metric} for ${resource}${name === '*' ? '' : ` ${name}`}`;
  const message = `the server could not find the metric ${what}`;
  return new ApiError({ message, reason: 'NotFound', code: 404 });
}
