import {
  type ContainerUsage,
  type Informer,
  type MeasuredNode,
  type MeasuredPod,
  type Node,
  type NodeUsageQuery,
  type NodeUsages,
  type Pod,
  type PodUsageQuery,
  type PodUsageSource,
  type PodUsages,
  parseLabelSelector,
  type RuntimeUsage,
  type UsageRequest,
} from 'kernetes/sdk';

export interface UsageOptions {
  readonly pods: Pick<Informer<Pod>, 'get' | 'list' | 'byIndex'>;
  /** Those that are served. */
  readonly nodes: () => readonly Node[];
  readonly isServed: (node: string) => boolean;
  readonly usage: (pods: readonly UsageRequest[]) => Promise<RuntimeUsage>;
}

/** What the agent's pods and nodes use. Asks the runtime once a question, of the running pods. */
export function podUsageSource(options: UsageOptions): PodUsageSource {
  return {
    pods: query => podUsages(query, options),
    nodes: query => nodeUsages(query, options),
  };
}

async function podUsages(query: PodUsageQuery, options: UsageOptions): Promise<PodUsages> {
  const { labelSelector = '' } = query;
  const selector = parseLabelSelector(labelSelector);
  const asked = podsNamed(query, options).filter(
    ({ metadata, spec, status }) =>
      status?.phase === 'Running' &&
      selector.matches(metadata.labels) &&
      options.isServed(spec?.nodeName ?? ''),
  );
  const { timestampMs, pods } = await options.usage(asked.map(usageRequest));
  return {
    timestampMs,
    pods: asked.flatMap((pod, i) => {
      const containers = pods[i] ?? [];
      return isWhole(pod, containers) ? [measuredPod(pod, containers)] : [];
    }),
  };
}

function podsNamed({ namespace, name }: PodUsageQuery, { pods }: UsageOptions): readonly Pod[] {
  if (name === undefined) return namespace === '' ? pods.list() : pods.list(namespace);
  const found = pods.get(`${namespace}/${name}`);
  return found ? [found] : [];
}

/** All that runs of it was measured: the half of a pod would pass for the whole. */
function isWhole({ status }: Pod, measured: readonly ContainerUsage[]): boolean {
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {};
  const names = new Set(measured.map(({ name }) => name));
  const running = [...initContainerStatuses, ...containerStatuses].filter(
    ({ state }) => state?.running,
  );
  return names.size > 0 && running.every(({ name }) => names.has(name));
}

function measuredPod({ metadata }: Pod, containers: readonly ContainerUsage[]): MeasuredPod {
  const { namespace = '', name = '', labels = {} } = metadata;
  return { namespace, name, labels, containers };
}

async function nodeUsages(query: NodeUsageQuery, options: UsageOptions): Promise<NodeUsages> {
  const { name, labelSelector = '' } = query;
  const selector = parseLabelSelector(labelSelector);
  const nodes = options
    .nodes()
    .filter(({ metadata }) => name === undefined || metadata.name === name)
    .filter(({ metadata }) => selector.matches(metadata.labels));
  const podsOf = nodes.map(({ metadata }) => options.pods.byIndex('node', metadata.name ?? ''));
  const { timestampMs, windowMs, pods } = await options.usage(podsOf.flat().map(usageRequest));
  let taken = 0;
  const measured = nodes.map(({ metadata }, i): MeasuredNode => {
    const count = podsOf[i]?.length ?? 0;
    const containers = pods.slice(taken, taken + count).flat();
    taken += count;
    return {
      name: metadata.name ?? '',
      labels: metadata.labels ?? {},
      cpuNanoCores: containers.reduce((sum, { cpuNanoCores }) => sum + cpuNanoCores, 0),
      memoryBytes: containers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    };
  });
  return { timestampMs, windowMs, nodes: measured };
}

export function usageRequest({ metadata }: Pod): UsageRequest {
  return { uid: metadata.uid ?? '', annotations: metadata.annotations ?? {} };
}
