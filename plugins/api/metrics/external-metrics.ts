import {
  ApiError,
  EXTERNAL_METRICS_GROUP,
  EXTERNAL_METRICS_VERSION,
  type ExternalMetricValueList,
  parseLabelSelector,
  toTime,
  unknownResource,
} from 'kernetes/sdk';
import { type MetricsApiOptions, milliQuantity } from './custom-metrics.ts';
import type { MetricRequest } from './metric-request.ts';

/** The series of a metric that the labels choose; the namespace tells who asks for it. */
export async function externalMetrics(
  { namespace, resource: metric, name, labelSelector }: MetricRequest,
  { sources }: Pick<MetricsApiOptions, 'sources'>,
): Promise<ExternalMetricValueList> {
  if (name !== '' || namespace === '') throw unknownResource();
  parseLabelSelector(labelSelector);
  const source = sources
    .list()
    .find(({ value: { metrics } }) =>
      metrics.some(each => each.type === 'external' && each.name === metric),
    );
  if (source === undefined) {
    const message = `the server could not find the metric ${metric}`;
    throw new ApiError({ message, reason: 'NotFound', code: 404 });
  }
  const found = await source.value.external({ namespace, metric, metricSelector: labelSelector });
  return {
    kind: 'ExternalMetricValueList',
    apiVersion: `${EXTERNAL_METRICS_GROUP}/${EXTERNAL_METRICS_VERSION}`,
    metadata: {},
    items: found.map(({ labels, milli, timestamp, windowMs }) => ({
      metricName: metric,
      metricLabels: { ...labels },
      timestamp: toTime(timestamp),
      window: Math.round(windowMs / 1000),
      value: milliQuantity(milli),
    })),
  };
}
