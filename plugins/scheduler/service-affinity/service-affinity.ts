import {
  ClusterCounts,
  type Informer,
  type NodeContext,
  type NodeCounts,
  type NodeInfo,
  type PodContext,
  type PodInfo,
  type PreScoreContext,
  type Refusal,
  SCORE_MAX,
  type Service,
  serviceSelects,
  verdict,
} from 'kernetes/sdk';

export interface AffinityConfig {
  readonly affinityLabels: readonly string[];
  readonly antiAffinityLabelsPreference: readonly string[];
}

export interface AffinityState {
  /** The first of the Services that select the pod. */
  readonly service: Service | undefined;
  /** Pods that have all labels of the pod in hand, per node; with what a trial changes. */
  readonly alike: NodeCounts | undefined;
  readonly changes: Map<number, number>;
  /** What a node's labels have to be. Worked out again after a change. */
  wanted: ReadonlyMap<string, string> | undefined;
  /** Pods of the Service per node, and the nodes that are compared. */
  readonly together?: NodeCounts | undefined;
  readonly feasible?: readonly NodeInfo[];
}

type Context = PodContext<AffinityConfig, AffinityState>;
type Labels = Readonly<Record<string, string>>;

/**
 * Where a Service's pods are, from counts that are kept. The labels that a pod needs are those of
 * one node on which pods like it run: found by one look at the nodes' counts for each pod.
 */
export class ServiceAffinity {
  readonly counts = new ClusterCounts();
  readonly #services: Pick<Informer<Service>, 'list'>;

  constructor(services: Pick<Informer<Service>, 'list'>) {
    this.#services = services;
  }

  begin({ pod }: Pick<Context, 'pod'>): AffinityState {
    const services = this.#services.list(pod.namespace);
    const service = services.find(each => serviceSelects(each, pod.labels));
    const alike = service && this.#count(pod.namespace, pod.labels);
    return { service, alike, changes: new Map(), wanted: undefined };
  }

  #count(namespace: string, labels: Labels, besides = ''): NodeCounts {
    const wanted = Object.entries(labels).sort();
    return this.counts.podsPerNode({
      name: `${namespace}/${JSON.stringify(wanted)}${besides}`,
      namespaces: [namespace],
      matches: pod =>
        (besides === '' || !pod.terminating) && wanted.every(([k, v]) => pod.labels[k] === v),
    });
  }

  /** In a trial `other` comes to the node or goes. */
  change({ pod, node, state }: NodeContext<AffinityConfig, AffinityState>, ...what: Change): void {
    const [other, by] = what;
    if (!state || other.namespace !== pod.namespace) return;
    if (!Object.entries(pod.labels).every(([name, value]) => other.labels[name] === value)) return;
    state.changes.set(node.index, (state.changes.get(node.index) ?? 0) + by);
    state.wanted = undefined;
  }

  refusalOf(context: NodeContext<AffinityConfig, AffinityState>): Refusal | undefined {
    const { node, state } = context;
    if (!state) return undefined;
    state.wanted ??= wantedLabels(context, state);
    for (const [name, value] of state.wanted) {
      if (node.labels[name] !== value) return NO_MATCH;
    }
    return undefined;
  }

  beginScores(context: PreScoreContext, state: AffinityState): AffinityState {
    const { pod, feasible } = context;
    const selector = state.service?.spec?.selector as Labels | undefined;
    const together = selector && this.#count(pod.namespace, selector, ' running');
    return { ...state, together, feasible };
  }

  /** For each label: the fewer of all the pods are on nodes of the same value, the more. */
  normalize(scores: Float64Array, { feasible = [] }: AffinityState, config: AffinityConfig): void {
    const labels = config.antiAffinityLabelsPreference;
    const pods = scores.slice();
    const total = pods.reduce((sum, each) => sum + each, 0);
    scores.fill(0);
    for (const label of labels) {
      const byValue = new Map<string, number>();
      feasible.forEach((node, i) => {
        const value = node.labels[label];
        if (value !== undefined) byValue.set(value, (byValue.get(value) ?? 0) + (pods[i] ?? 0));
      });
      feasible.forEach((node, i) => {
        const value = node.labels[label];
        if (value === undefined) return;
        const elsewhere = total > 0 ? (total - (byValue.get(value) ?? 0)) / total : 1;
        scores[i] = (scores[i] as number) + (SCORE_MAX * elsewhere) / labels.length;
      });
    }
    for (let i = 0; i < scores.length; i++) scores[i] = Math.trunc(scores[i] as number);
  }
}

type Change = [other: PodInfo, by: number];

const NO_MATCH = verdict.unschedulable("node(s) didn't match service affinity");

/** The pod's own words; of labels that it does not name, the values where pods like it run. */
function wantedLabels({ pod, nodes, config }: Context, state: AffinityState) {
  const wanted = new Map<string, string>();
  const take = (labels: Labels | undefined) => {
    for (const name of config.affinityLabels) {
      const value = labels?.[name];
      if (value !== undefined && !wanted.has(name)) wanted.set(name, value);
    }
  };
  take(pod.spec.nodeSelector as Labels | undefined);
  if (wanted.size === config.affinityLabels.length || !state.alike) return wanted;
  for (let i = 0; i < nodes.length; i++) {
    const { index, labels } = nodes[i] as NodeInfo;
    if (state.alike.on(index) + (state.changes.get(index) ?? 0) <= 0) continue;
    take(labels);
    break;
  }
  return wanted;
}
