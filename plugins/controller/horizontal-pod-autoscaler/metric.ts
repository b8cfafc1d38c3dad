import {
  type ExternalMetricSource,
  type MetricSpec,
  type ObjectMetricSource,
  type PodsMetricSource,
  selectorFrom,
} from 'kernetes/sdk';
import { type MetricContext, type MetricResult, podsUsage } from './metric-context.ts';
import { attempt, fetched, MetricFailure, within } from './metric-failure.ts';
import { milliText, parseMilli, selectorText } from './metric-text.ts';
import { NoProposal } from './no-proposal.ts';
import {
  type Proposal,
  replicasForAverage,
  replicasForRatio,
  replicasForShare,
  sumOf,
} from './replicas.ts';
import { ofContainer, ofResource } from './resource-metric.ts';

/** How many replicas one metric asks for. Rejects with a `MetricFailure`. */
export function evaluate(spec: MetricSpec, context: MetricContext): Promise<MetricResult> {
  const { resource, containerResource, pods, object, external } = spec;
  if (spec.type === 'Resource' && resource) return ofResource(resource, context);
  if (spec.type === 'ContainerResource' && containerResource) {
    return ofContainer(containerResource, context);
  }
  if (spec.type === 'Pods' && pods) return ofPods(pods, context);
  if (spec.type === 'Object' && object) return ofObject(object, context);
  if (spec.type === 'External' && external) return ofExternal(external, context);
  const finding = `unknown metric source type ${JSON.stringify(spec.type)}`;
  return Promise.reject(new MetricFailure('InvalidMetricSourceType', finding));
}

async function ofPods(source: PodsMetricSource, context: MetricContext): Promise<MetricResult> {
  const { metric, target } = source;
  const { namespace, podSelector, client } = context;
  const proposal = await attempt(
    async () => {
      const metricSelector = selectorFrom(metric.selector).toString();
      const query = { namespace, metric: metric.name, metricSelector, podSelector };
      const readings = await within(`unable to get metric ${metric.name}`, () =>
        fetched('custom metrics', 'pods.custom.metrics.k8s.io', () => client.pods(query)),
      );
      const usage = podsUsage(context, readings, '');
      return replicasForAverage(usage, parseMilli(target.averageValue));
    },
    finding => {
      const message = `failed to get pods metric value: ${finding}`;
      return new MetricFailure('FailedGetPodsMetric', finding, message);
    },
  );
  return {
    replicas: proposal.replicas,
    name: `pods metric ${metric.name}`,
    status: {
      type: 'Pods',
      pods: { metric, current: { averageValue: milliText(proposal.usage) } },
    },
  };
}

async function ofObject(source: ObjectMetricSource, context: MetricContext): Promise<MetricResult> {
  const { metric, target, describedObject } = source;
  const isValue = target.type === 'Value' && target.value !== undefined;
  const isAverage = target.type === 'AverageValue' && target.averageValue !== undefined;
  const { replicas, usage } = await attempt(
    async () => {
      if (!isValue && !isAverage) throw new NoProposal(neitherTarget('object'));
      const milli = await objectUsage(source, context);
      if (isValue) return forValue(milli, parseMilli(target.value), context);
      return replicasForShare(milli, shareOptions(context, target.averageValue));
    },
    finding => {
      const inner = isAverage ? `failed to get ${metric.name} object metric: ${finding}` : finding;
      const message = `failed to get object metric value: ${inner}`;
      return new MetricFailure('FailedGetObjectMetric', finding, message);
    },
  );
  const text = milliText(usage);
  const current = isValue ? { value: text } : { averageValue: text };
  return {
    replicas,
    // Upstream calls it external where it is shared by the pods.
    name: isValue
      ? `${describedObject.kind} metric ${metric.name}`
      : `external metric ${metric.name}(${selectorText(metric.selector)})`,
    status: { type: 'Object', object: { describedObject, metric, current } },
  };
}

async function objectUsage(source: ObjectMetricSource, context: MetricContext): Promise<number> {
  const { metric, describedObject: object } = source;
  const { namespace, client } = context;
  const metricSelector = selectorFrom(metric.selector).toString();
  const query = { namespace, metric: metric.name, metricSelector, object };
  const where = `${object.kind} ${namespace}/${object.name}`;
  const { milli } = await within(`unable to get metric ${metric.name} on ${where}`, () =>
    fetched('custom metrics', 'custom.metrics.k8s.io', () => client.object(query)),
  );
  return milli;
}

async function ofExternal(
  source: ExternalMetricSource,
  context: MetricContext,
): Promise<MetricResult> {
  const { metric, target } = source;
  const shownSelector = selectorText(metric.selector);
  const isAverage = target.averageValue !== undefined;
  const isTargeted = isAverage || target.value !== undefined;
  const { replicas, usage } = await attempt(
    async () => {
      if (!isTargeted) throw new NoProposal(neitherTarget('external'));
      const total = await externalUsage(source, context);
      if (isAverage) return replicasForShare(total, shareOptions(context, target.averageValue));
      return forValue(total, parseMilli(target.value), context);
    },
    finding => {
      const what = isAverage ? `${metric.name} external metric` : `external metric ${metric.name}`;
      const inner = isTargeted ? `failed to get ${what}: ${finding}` : finding;
      const message = `failed to get ${metric.name} external metric value: ${inner}`;
      return new MetricFailure('FailedGetExternalMetric', finding, message);
    },
  );
  const text = milliText(usage);
  const current = isAverage ? { averageValue: text } : { value: text };
  return {
    replicas,
    name: `external metric ${metric.name}(${shownSelector})`,
    status: { type: 'External', external: { metric, current } },
  };
}

async function externalUsage(
  { metric }: ExternalMetricSource,
  { namespace, client }: MetricContext,
): Promise<number> {
  const metricSelector = selectorFrom(metric.selector).toString();
  const what = `${namespace}/${metric.name}/${selectorText(metric.selector)}`;
  const values = await within(`unable to get external metric ${what}`, () =>
    fetched('external metrics', 'external.metrics.k8s.io', () =>
      client.external({ namespace, metric: metric.name, metricSelector }),
    ),
  );
  return sumOf(values);
}

function forValue(usage: number, target: number, context: MetricContext): Proposal {
  const { specReplicas: current, pods, tolerances } = context;
  return { replicas: replicasForRatio(usage / target, { current, pods, tolerances }), usage };
}

function shareOptions(context: MetricContext, averageValue: string | undefined) {
  const { statusReplicas: current, tolerances } = context;
  return { current, target: parseMilli(averageValue), tolerances };
}

function neitherTarget(source: string): string {
  return `invalid ${source} metric source: neither a value target nor an average value target was set`;
}
