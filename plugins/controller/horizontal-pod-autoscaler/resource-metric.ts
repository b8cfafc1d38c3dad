import type { ContainerResourceMetricSource, ResourceMetricSource } from 'kernetes/sdk';
import { type MetricContext, type MetricResult, podsUsage } from './metric-context.ts';
import { attempt, fetched, MetricFailure, within } from './metric-failure.ts';
import { milliText, parseMilli } from './metric-text.ts';
import { NoProposal } from './no-proposal.ts';
import { type Proposal, replicasForAverage, replicasForUtilization } from './replicas.ts';

export async function ofResource(
  source: ResourceMetricSource,
  context: MetricContext,
): Promise<MetricResult> {
  const { name } = source;
  const { proposal, shown } = await attempt(
    () => resourceProposal(source, context),
    finding => {
      const message = `failed to get ${name} resource metric value: ${finding}`;
      return new MetricFailure('FailedGetResourceMetric', finding, message);
    },
  );
  const current = resourceStatus(name, proposal);
  return {
    replicas: proposal.replicas,
    name: `${name} resource${shown}`,
    status: { type: 'Resource', resource: { name, current } },
  };
}

export async function ofContainer(
  source: ContainerResourceMetricSource,
  context: MetricContext,
): Promise<MetricResult> {
  const { name, container } = source;
  const { proposal, shown } = await attempt(
    () => resourceProposal(source, context),
    finding => {
      const message = `failed to get ${container} container metric value: ${finding}`;
      return new MetricFailure('FailedGetContainerResourceMetric', finding, message);
    },
  );
  const current = resourceStatus(name, proposal);
  return {
    replicas: proposal.replicas,
    // Of an average value upstream says the same as for a resource of the whole pod.
    name: `${name} ${shown && 'container '}resource${shown}`,
    status: { type: 'ContainerResource', containerResource: { name, container, current } },
  };
}

/** `shown`: what the metric's name says of its target. */
async function resourceProposal(
  source: ResourceMetricSource & { readonly container?: string },
  context: MetricContext,
): Promise<{ readonly proposal: Proposal; readonly shown: string }> {
  const { name: resource, container, target } = source;
  const { namespace, podSelector, client } = context;
  const percent = target.averageUtilization;
  if (target.averageValue === undefined && percent === undefined) {
    throw new NoProposal(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  }
  const what = target.averageValue === undefined ? 'utilization' : 'usage';
  return within(`failed to get ${resource} ${what}`, async () => {
    const query = { namespace, podSelector, resource, ...(container && { container }) };
    const readings = await within(`unable to get metrics for resource ${resource}`, () =>
      fetched('resource metrics', 'pods.metrics.k8s.io', () => client.resource(query)),
    );
    const usage = podsUsage(context, readings, resource);
    if (target.averageValue !== undefined) {
      return { proposal: replicasForAverage(usage, parseMilli(target.averageValue)), shown: '' };
    }
    const wanted = { percent: percent ?? 0, ...(container && { container }) };
    return {
      proposal: replicasForUtilization(usage, wanted),
      shown: ' utilization (percentage of request)',
    };
  });
}

function resourceStatus(resource: string, { usage, utilization }: Proposal) {
  return {
    averageValue: milliText(usage, resource === 'memory' ? 'BinarySI' : 'DecimalSI'),
    ...(utilization !== undefined && { averageUtilization: utilization }),
  };
}
