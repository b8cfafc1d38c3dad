import {
  formatQuantity,
  type MetricReading,
  type Pod,
  podCondition,
  quantityMilliValue,
  sumContainers,
  sumInto,
} from 'kernetes/sdk';
import { NoProposal } from './no-proposal.ts';

export interface GroupOptions {
  /** `cpu` is looked at more closely: starting costs a pod much of it. Empty: a metric of its own. */
  readonly resource: string;
  readonly now: number;
  /** So long after its start a pod's CPU counts only when it was measured after it became ready. */
  readonly cpuInitializationMs: number;
  /** A pod that became unready so soon after its start has never been ready. */
  readonly readinessDelayMs: number;
}

/** How much a pod's metric is worth. Names of pods. */
export interface PodGroups {
  readonly readyCount: number;
  /** Not in service yet: counted as idle when the others need more, not at all otherwise. */
  readonly unready: ReadonlySet<string>;
  /** In service, but nothing is known of them. */
  readonly missing: ReadonlySet<string>;
  /** On their way out. */
  readonly ignored: ReadonlySet<string>;
}

export function groupPods(
  pods: readonly Pod[],
  readings: ReadonlyMap<string, MetricReading>,
  options: GroupOptions,
): PodGroups {
  const groups = { ready: 0, unready: new Set<string>(), missing: new Set<string>() };
  const ignored = new Set<string>();
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata;
    const reading = readings.get(name);
    const phase = pod.status?.phase;
    // One that succeeded is counted as in service, as upstream: it is missing from the metrics.
    if (deletionTimestamp || phase === 'Failed') ignored.add(name);
    else if (phase === 'Pending') groups.unready.add(name);
    else if (!reading) groups.missing.add(name);
    else if (options.resource === 'cpu' && isStarting(pod, reading, options)) {
      groups.unready.add(name);
    } else groups.ready++;
  }
  const { ready: readyCount, unready, missing } = groups;
  return { readyCount, unready, missing, ignored };
}

/** What the pod, or the one container, asks for of a resource, in thousandths. */
export function podRequest(pod: Pod, resource: string, container = ''): number {
  const own = pod.spec?.resources?.requests;
  if (!container && own && Object.keys(own).length > 0) return podLevelRequest(pod, resource);
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const all = [...containers, ...sidecars].filter(({ name }) => !container || name === container);
  const podName = pod.metadata.name ?? '';
  if (container && all.length === 0) {
    throw new NoProposal(`container ${container} not found in Pod ${podName}`);
  }
  return all.reduce((sum, { name, resources }) => {
    const request = resources?.requests?.[resource];
    if (request !== undefined) return sum + quantityMilliValue(request);
    throw new NoProposal(`missing request for ${resource} in container ${name} of Pod ${podName}`);
  }, 0);
}

function isStarting(pod: Pod, reading: MetricReading, options: GroupOptions): boolean {
  const { now, cpuInitializationMs, readinessDelayMs } = options;
  const ready = podCondition(pod, 'Ready');
  const startTime = pod.status?.startTime;
  if (!ready || !startTime) return true;
  const start = timeOf(startTime);
  const since = timeOf(ready.lastTransitionTime);
  const isUnready = ready.status === 'False';
  if (start + cpuInitializationMs > now) {
    return isUnready || reading.timestamp < since + reading.windowMs;
  }
  return isUnready && start + readinessDelayMs > since;
}

/** What the pod as a whole asks for stands in for what its containers would. */
function podLevelRequest(pod: Pod, resource: string): number {
  const { resources, overhead } = pod.spec ?? {};
  const sums = sumContainers(pod, container => container.resources?.requests);
  const own = resources?.requests?.[resource];
  if (own !== undefined) {
    sums.delete(resource);
    sumInto(sums, { [resource]: own });
  }
  if (sums.has(resource)) sumInto(sums, overhead);
  const sum = sums.get(resource);
  if (sum) return quantityMilliValue(formatQuantity(sum));
  const podName = pod.metadata.name ?? '';
  throw new NoProposal(`missing pod-level request for ${resource} in Pod ${podName}`);
}

function timeOf(text: string | undefined): number {
  return Date.parse(text ?? '') || 0;
}
