import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Affinity,
  type LabelSelector,
  Namespace,
  type NodeInfo,
  type Pod,
  type PodAffinityTerm,
  type PodInfo,
  podInfoOf,
  type SchedulerPlugin,
  schedulerPoint,
  selectorFrom,
  type WeightedPodAffinityTerm,
} from 'kernetes/sdk';
import { activate, namespace, node, PluginCluster, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/**
 * Kept counts against upstream's way, a scan of all pods for each pod: the same verdicts and the
 * same scores, whatever happened before.
 */
type NamespaceLabels = Record<string, Record<string, string>>;
type Nodes = readonly NodeInfo[];

const required = (terms: Affinity['podAffinity']) =>
  terms?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferred = (terms: Affinity['podAffinity']): readonly WeightedPodAffinityTerm[] =>
  terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
const nearOf = (one: PodInfo) => one.spec.affinity?.podAffinity;
const farOf = (one: PodInfo) => one.spec.affinity?.podAntiAffinity;

class Scan {
  readonly #nodes: Nodes;
  readonly #namespaces: NamespaceLabels;

  constructor(nodes: Nodes, namespaces: NamespaceLabels) {
    this.#nodes = nodes;
    this.#namespaces = namespaces;
  }

  isAbout(term: PodAffinityTerm, holder: PodInfo, other: PodInfo): boolean {
    const { namespaces = [], namespaceSelector, labelSelector } = term;
    const named =
      namespaces.length > 0 || namespaceSelector
        ? namespaces.includes(other.namespace)
        : other.namespace === holder.namespace;
    const selected =
      namespaceSelector !== undefined &&
      selectorFrom(namespaceSelector).matches(this.#namespaces[other.namespace] ?? {});
    return (named || selected) && selectorFrom(labelSelector).matches(other.labels);
  }

  /** Pods that `picks` in the domain of the node. */
  #around(state: NodeInfo, key: string, picks: (other: PodInfo) => boolean): number {
    const value = state.labels[key];
    if (value === undefined) return 0;
    let count = 0;
    for (const { labels, pods } of this.#nodes) {
      if (labels[key] === value) count += pods.filter(picks).length;
    }
    return count;
  }

  refusal(one: PodInfo, state: NodeInfo): string | undefined {
    const near = required(nearOf(one));
    const isNear = (other: PodInfo) => near.every(term => this.isAbout(term, one, other));
    if (near.some(({ topologyKey }) => !(topologyKey in state.labels))) return NOT_NEAR;
    if (near.some(({ topologyKey }) => this.#around(state, topologyKey, isNear) === 0)) {
      const isAnywhere = this.#nodes.some(({ labels, pods }) =>
        near.some(({ topologyKey }) => topologyKey in labels && pods.some(isNear)),
      );
      if (isAnywhere || !isNear(one)) return NOT_NEAR;
    }
    for (const term of required(farOf(one))) {
      const { topologyKey } = term;
      if (this.#around(state, topologyKey, other => this.isAbout(term, one, other)) > 0) {
        return NOT_FAR;
      }
    }
    for (const { labels, pods } of this.#nodes) {
      for (const other of pods) {
        for (const term of required(farOf(other))) {
          const value = state.labels[term.topologyKey];
          const isHere = value !== undefined && labels[term.topologyKey] === value;
          if (isHere && this.isAbout(term, other, one)) return AVOIDED;
        }
      }
    }
    return undefined;
  }

  attraction(one: PodInfo, state: NodeInfo): number {
    let sum = 0;
    for (const { labels, pods } of this.#nodes) {
      for (const other of pods) {
        const add = (holder: PodInfo, about: PodInfo, term: PodAffinityTerm, weight: number) => {
          const value = state.labels[term.topologyKey];
          if (value === undefined || labels[term.topologyKey] !== value) return;
          if (this.isAbout(term, holder, about)) sum += weight;
        };
        for (const { podAffinityTerm, weight } of preferred(nearOf(one)))
          add(one, other, podAffinityTerm, weight);
        for (const { podAffinityTerm, weight } of preferred(farOf(one)))
          add(one, other, podAffinityTerm, -weight);
        for (const term of required(nearOf(other))) add(other, one, term, HARD_WEIGHT);
        for (const { podAffinityTerm, weight } of preferred(nearOf(other)))
          add(other, one, podAffinityTerm, weight);
        for (const { podAffinityTerm, weight } of preferred(farOf(other)))
          add(other, one, podAffinityTerm, -weight);
      }
    }
    return sum;
  }

  scores(one: PodInfo): Record<string, number> {
    const raw = this.#nodes.map(state => this.attraction(one, state));
    const [least, most] = [Math.min(...raw), Math.max(...raw)];
    const brought = raw.map(sum =>
      most > least ? Math.trunc(100 * ((sum - least) / (most - least))) : 0,
    );
    return Object.fromEntries(this.#nodes.map(({ name }, i) => [name, brought[i] as number]));
  }
}

const NOT_NEAR = "node(s) didn't match pod affinity rules";
const NOT_FAR = "node(s) didn't match pod anti-affinity rules";
const AVOIDED = "node(s) didn't satisfy existing pods anti-affinity rules";
const HARD_WEIGHT = 3;

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const TEAM = fc.constantFrom('x', 'y');
const SELECTORS: LabelSelector[] = [
  {},
  { matchLabels: { app: 'web' } },
  { matchLabels: { app: 'db' } },
  { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] },
];
const NAMESPACES: string[][] = [['default'], ['other'], ['default', 'other'], ['nowhere']];
const NAMESPACE_SELECTORS: LabelSelector[] = [
  {},
  { matchLabels: { team: 'x' } },
  { matchLabels: { team: 'y' } },
];
const TERM = fc.record(
  {
    topologyKey: fc.constantFrom('zone', 'zone', 'host'),
    labelSelector: fc.constantFrom(...SELECTORS),
    namespaces: fc.constantFrom(...NAMESPACES),
    namespaceSelector: fc.constantFrom(...NAMESPACE_SELECTORS),
  },
  { requiredKeys: ['topologyKey', 'labelSelector'] },
);
const TERMS = fc.array(TERM, { maxLength: 2 });
const WEIGHTED = fc.array(
  fc.record({ podAffinityTerm: TERM, weight: fc.integer({ min: 1, max: 10 }) }),
  { maxLength: 2 },
);
const SIDE = fc.record({
  requiredDuringSchedulingIgnoredDuringExecution: fc.oneof(fc.constant([]), TERMS),
  preferredDuringSchedulingIgnoredDuringExecution: fc.oneof(fc.constant([]), WEIGHTED),
});
const AFFINITY = fc.option(
  fc.record({ podAffinity: SIDE, podAntiAffinity: SIDE }, { requiredKeys: [] }),
  { nil: undefined },
);
const POD = fc.record({
  app: fc.constantFrom('web', 'db'),
  namespace: fc.constantFrom('default', 'default', 'other'),
  affinity: AFFINITY,
});
const STEP = fc.oneof(
  fc.record({
    do: fc.constant('node' as const),
    name: fc.constantFrom(...NAMES),
    zone: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: undefined }),
  }),
  fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom(...NAMES) }),
  fc.record({
    do: fc.constant('pod' as const),
    name: fc.nat(9),
    on: fc.constantFrom(...NAMES),
    pod: POD,
  }),
  fc.record({ do: fc.constant('end' as const), name: fc.nat(9) }),
  fc.record({
    do: fc.constant('team' as const),
    of: fc.constantFrom('default', 'other'),
    team: TEAM,
  }),
);
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;
type Made = typeof POD extends fc.Arbitrary<infer T> ? T : never;

function podOf(name: string, made: Made): Pod {
  const { app, affinity } = made;
  const spec = { containers: [], ...(affinity && { affinity: affinity as Affinity }) };
  return pod(name, { metadata: { namespace: made.namespace, labels: { app } }, spec });
}

function apply(cluster: PluginCluster, step: Exclude<Step, { do: 'team' }>): void {
  if (step.do === 'node') {
    const { name, zone } = step;
    cluster.setNode(node(name, { metadata: { labels: { host: name, ...(zone && { zone }) } } }));
  } else if (step.do === 'remove') {
    cluster.removeNode(step.name);
  } else if (step.do === 'end') {
    for (const each of ['default', 'other']) cluster.removePod(`${each}/p${step.name}`);
  } else if (cluster.nodes.has(step.on)) {
    cluster.setPod(podOf(`p${step.name}`, step.pod), step.on);
  }
}

test('says what a scan would say, whatever happened before', async () => {
  const kernel = new TestKernel();
  const teams: NamespaceLabels = { default: { team: 'x' }, other: { team: 'x' } };
  for (const [name, labels] of Object.entries(teams)) {
    kernel.add(Namespace, namespace(name, { labels }));
  }
  const config = { hardPodAffinityWeight: HARD_WEIGHT, ignorePreferredTermsOfExistingPods: false };
  const { context, clock } = await activate(plugin, { kernel, config });
  const [contribution] = context.contributions(schedulerPoint).list();
  const check = async (steps: Step[], asked: Made[]) => {
    // `track` begins anew.
    const cluster = new PluginCluster(contribution?.value.local as SchedulerPlugin, config);
    for (const [i, step] of steps.entries()) {
      if (step.do === 'team') {
        teams[step.of] = { team: step.team };
        kernel.modify(Namespace, step.of, each => {
          each.metadata.labels = { team: step.team };
        });
        await clock.step(0);
      } else {
        apply(cluster, step);
      }
      const nodes = [...cluster.nodes.values()];
      if (nodes.length > 0) compare(cluster, new Scan(nodes, teams), asked[i % asked.length]);
    }
  };
  const history = fc.array(STEP, { minLength: 20, maxLength: 50 });
  const pods = fc.array(POD, { minLength: 1, maxLength: 4 });
  await fc.assert(fc.asyncProperty(history, pods, check), { numRuns: 100, seed: 11 });
});

function compare(cluster: PluginCluster, scan: Scan, made: Made | undefined): void {
  const one = podOf('asked', made as Made);
  const info = podInfoOf(one);
  const refused: Record<string, string> = {};
  for (const state of cluster.nodes.values()) {
    const said = scan.refusal(info, state);
    if (said) refused[state.name] = said;
  }
  assert.deepEqual(cluster.refusals(one), refused);
  const scores = cluster.scores(one);
  // Nothing said is the same as nothing for all.
  const nothing = Object.fromEntries([...cluster.nodes.keys()].map(name => [name, 0]));
  assert.deepEqual({ ...nothing, ...scores }, scan.scores(info));
  for (const state of cluster.nodes.values()) compareWithout(cluster, one, state);
}

/** What would be without a node's pods is what is when they are gone. */
function compareWithout(cluster: PluginCluster, one: Pod, { name, pods }: NodeInfo): void {
  const [first] = pods;
  if (!first || cluster.skips(one).filter) return;
  const foretold = cluster.refusalIf(one, { on: name, without: [first] });
  const there = { ...pod(first.name), spec: first.spec };
  const { namespace: inNamespace, labels } = first;
  cluster.removePod(first.key);
  const found = cluster.refusals(one)[name];
  cluster.setPod(
    { ...there, metadata: { name: first.name, namespace: inNamespace, labels } },
    name,
  );
  assert.equal(foretold, found);
}
