import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isTolerated,
  type NodeInfo,
  type Pod,
  type PodInfo,
  podInfoOf,
  requiredNodes,
  type SchedulerPlugin,
  schedulerPoint,
  selectorFrom,
  type TopologySpreadConstraint,
} from 'kernetes/sdk';
import { activate, node, PluginCluster, pod } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/**
 * Kept counts against upstream's way, a scan of all nodes and pods for each pod: the same verdicts
 * and the same scores, whatever happened before.
 */
const HOST = 'kubernetes.io/hostname';
const REASON = "node(s) didn't match pod topology spread constraints";

type Nodes = readonly NodeInfo[];

function constraintsOf(one: PodInfo, action: string): readonly TopologySpreadConstraint[] {
  return (one.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === action,
  );
}

function selects({ labelSelector }: TopologySpreadConstraint, labels: PodInfo['labels']): boolean {
  return selectorFrom(labelSelector).matches(labels);
}

function podsOn(state: NodeInfo, one: PodInfo, constraint: TopologySpreadConstraint): number {
  return state.pods.filter(
    ({ namespace, labels, terminating }) =>
      namespace === one.namespace && !terminating && selects(constraint, labels),
  ).length;
}

function isCounted(
  state: NodeInfo,
  one: PodInfo,
  [constraint, all]: [TopologySpreadConstraint, readonly TopologySpreadConstraint[]],
): boolean {
  if (!all.every(({ topologyKey }) => topologyKey in state.labels)) return false;
  const { nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' } = constraint;
  if (nodeAffinityPolicy === 'Honor' && requiredNodes(one.spec)?.(state) === false) return false;
  if (nodeTaintsPolicy === 'Ignore') return true;
  return state.taints.every(
    taint => taint.effect === 'PreferNoSchedule' || isTolerated(taint, one.spec.tolerations),
  );
}

function countsOf(
  nodes: Nodes,
  one: PodInfo,
  which: [TopologySpreadConstraint, readonly TopologySpreadConstraint[]],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const state of nodes) {
    if (!isCounted(state, one, which)) continue;
    const domain = state.labels[which[0].topologyKey] as string;
    counts.set(domain, (counts.get(domain) ?? 0) + podsOn(state, one, which[0]));
  }
  return counts;
}

function scannedRefusals(nodes: Nodes, one: PodInfo): Record<string, string> {
  const hard = constraintsOf(one, 'DoNotSchedule');
  const refused: Record<string, string> = {};
  const counts = hard.map(constraint => countsOf(nodes, one, [constraint, hard]));
  for (const state of nodes) {
    for (const [i, constraint] of hard.entries()) {
      const domain = state.labels[constraint.topologyKey];
      const byDomain = counts[i] as Map<string, number>;
      if (domain === undefined) {
        refused[state.name] = `${REASON} (missing required label)`;
        break;
      }
      const few = byDomain.size < (constraint.minDomains ?? 1);
      const minimum = few ? 0 : Math.min(...byDomain.values());
      const self = selects(constraint, one.labels) ? 1 : 0;
      if ((byDomain.get(domain) ?? 0) + self - minimum > constraint.maxSkew) {
        refused[state.name] = REASON;
        break;
      }
    }
  }
  return refused;
}

function scannedScores(nodes: Nodes, one: PodInfo, feasible: Nodes): Record<string, number> {
  const soft = constraintsOf(one, 'ScheduleAnyway');
  if (soft.length === 0) return {};
  const compared = feasible.filter(({ labels }) => soft.every(each => each.topologyKey in labels));
  const raw = new Map(compared.map(state => [state, 0]));
  for (const constraint of soft) {
    const { topologyKey, maxSkew } = constraint;
    const counts = countsOf(nodes, one, [constraint, soft]);
    const domains = new Set(compared.map(({ labels }) => labels[topologyKey])).size;
    const weight = Math.log((topologyKey === HOST ? compared.length : domains) + 2);
    for (const state of compared) {
      const around = counts.get(state.labels[topologyKey] as string) ?? 0;
      const pods = topologyKey === HOST ? podsOn(state, one, constraint) : around;
      raw.set(state, (raw.get(state) as number) + pods * weight + (maxSkew - 1));
    }
  }
  const rounded = [...raw].map(([state, score]) => [state, Math.round(score)] as const);
  const most = Math.max(0, ...rounded.map(([, score]) => score));
  const least = Math.min(...rounded.map(([, score]) => score));
  const scores = Object.fromEntries(feasible.map(({ name }) => [name, 0]));
  for (const [{ name }, score] of rounded) {
    scores[name] = most === 0 ? 100 : Math.floor((100 * (most + least - score)) / most);
  }
  return scores;
}

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const CONSTRAINT = fc.record(
  {
    topologyKey: fc.constantFrom('zone', 'rack', HOST),
    maxSkew: fc.integer({ min: 1, max: 3 }),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'ScheduleAnyway'),
    labelSelector: fc.constantFrom(
      {},
      { matchLabels: { app: 'web' } },
      { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] },
    ),
    minDomains: fc.integer({ min: 1, max: 4 }),
    nodeAffinityPolicy: fc.constantFrom('Honor', 'Ignore'),
    nodeTaintsPolicy: fc.constantFrom('Honor', 'Ignore'),
  },
  { requiredKeys: ['topologyKey', 'maxSkew', 'whenUnsatisfiable'] },
);
const ASKING = fc.record({
  constraints: fc.array(CONSTRAINT, { minLength: 1, maxLength: 3 }),
  app: fc.constantFrom('web', 'db'),
  selects: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
  tolerates: fc.boolean(),
});
const STEP = fc.oneof(
  fc.record({
    do: fc.constant('node' as const),
    name: fc.constantFrom(...NAMES),
    zone: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined }),
    rack: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
    tainted: fc.boolean(),
  }),
  fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom(...NAMES) }),
  fc.record({
    do: fc.constant('pod' as const),
    pod: fc.nat(11),
    on: fc.constantFrom(...NAMES),
    app: fc.constantFrom('web', 'db'),
    namespace: fc.constantFrom('default', 'default', 'other'),
    terminating: fc.boolean(),
  }),
  fc.record({ do: fc.constant('end' as const), pod: fc.nat(11) }),
);
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;
type Asking = typeof ASKING extends fc.Arbitrary<infer T> ? T : never;

function apply(cluster: PluginCluster, step: Step): void {
  if (step.do === 'node') {
    const { name, zone, rack, tainted } = step;
    const labels = { [HOST]: name, ...(zone && { zone }), ...(rack && { rack }) };
    const spec = tainted ? { taints: [{ key: 'k', effect: 'NoSchedule' }] } : {};
    cluster.setNode(node(name, { metadata: { labels }, spec }));
  } else if (step.do === 'remove') {
    cluster.removeNode(step.name);
  } else if (step.do === 'end') {
    for (const namespace of ['default', 'other']) cluster.removePod(`${namespace}/p${step.pod}`);
  } else if (cluster.nodes.has(step.on)) {
    const { namespace, app, terminating } = step;
    const ending = terminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
    const metadata = { namespace, labels: { app }, ...ending };
    cluster.setPod(pod(`p${step.pod}`, { metadata }), step.on);
  }
}

function asked({ constraints, app, selects: zone, tolerates }: Asking): Pod {
  const spec = {
    containers: [],
    topologySpreadConstraints: constraints as TopologySpreadConstraint[],
    ...(zone && { nodeSelector: { zone } }),
    ...(tolerates && { tolerations: [{ operator: 'Exists' }] }),
  };
  return pod('asked', { metadata: { labels: { app } }, spec });
}

test('says what a scan would say, whatever happened before', async () => {
  const config = { defaultConstraints: [], defaultingType: 'System' as const };
  const { context } = await activate(plugin, { config });
  const [contribution] = context.contributions(schedulerPoint).list();
  const check = (steps: Step[], pods: Asking[]) => {
    // `track` begins anew.
    const cluster = new PluginCluster(contribution?.value.local as SchedulerPlugin, config);
    for (const [i, step] of steps.entries()) {
      apply(cluster, step);
      const one = asked(pods[i % pods.length] as Asking);
      const nodes = [...cluster.nodes.values()];
      if (nodes.length === 0) continue;
      assert.deepEqual(cluster.refusals(one), scannedRefusals(nodes, podInfoOf(one)));
      const feasible = nodes.filter((_, place) => place % 3 !== i % 3);
      if (feasible.length === 0) continue;
      const scores = cluster.scores(
        one,
        feasible.map(({ name }) => name),
      );
      assert.deepEqual(scores, scannedScores(nodes, podInfoOf(one), feasible));
    }
  };
  const history = fc.array(STEP, { minLength: 20, maxLength: 60 });
  const pods = fc.array(ASKING, { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(history, pods, check), { numRuns: 100, seed: 5 });
});
