import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type NodeInfo, NodeState, type PodInfo, podInfoOf } from '../scheduler-info.ts';
import { node, pod } from '../testing/builders.ts';
import { ClusterCounts, type PodCriteria } from './cluster-counts.ts';
import { CountChanges } from './count-changes.ts';
import type { DomainCounts } from './counts.ts';
import { labelKey } from './topology.ts';

const ZONE = labelKey('zone');
const WEB = podsOf('web');
const UNTAINTED = { name: 'untainted', holds: ({ taints }: NodeInfo) => taints.length === 0 };

function podsOf(app: string): PodCriteria {
  return { name: app, namespaces: ['default'], matches: ({ labels }) => labels.app === app };
}

/** A cluster of nodes by name and pods, told to counts as the scheduler does. */
class Cluster {
  readonly counts: ClusterCounts;
  readonly nodes = new Map<string, NodeState>();
  #made = 0;

  constructor(counts = new ClusterCounts()) {
    this.counts = counts;
  }

  setNode(name: string, zone?: string, tainted = false): NodeState {
    const known = this.nodes.get(name);
    const state = known ?? new NodeState(name, this.#freeIndex());
    const before = { ...state };
    const spec = tainted ? { taints: [{ key: 'k', effect: 'NoSchedule' }] } : {};
    state.setNode(node(name, { metadata: { labels: zone ? { zone } : {} }, spec }));
    this.nodes.set(name, state);
    if (known) this.counts.nodeChanged(state, before);
    else this.counts.nodeAdded(state);
    return state;
  }

  removeNode(name: string): void {
    const state = this.nodes.get(name);
    if (!state) return;
    for (const each of [...state.pods]) this.removePod(each, state);
    this.nodes.delete(name);
    this.counts.nodeRemoved(state);
  }

  addPod(state: NodeState, app: string, namespace = 'default'): PodInfo {
    const name = `p${this.#made++}`;
    const info = podInfoOf(pod(name, { metadata: { namespace, labels: { app } } }));
    state.addPod(info);
    this.counts.podAdded(info, state);
    return info;
  }

  removePod(info: PodInfo, state: NodeState): void {
    state.removePod(info.key);
    this.counts.podRemoved(info, state);
  }

  #freeIndex(): number {
    const used = new Set([...this.nodes.values()].map(({ index }) => index));
    for (let index = 0; ; index++) if (!used.has(index)) return index;
  }
}

function asMap({ topology, counts }: DomainCounts, values: readonly string[]) {
  return Object.fromEntries(
    values.flatMap(value => {
      const domain = topology.find(value);
      return domain === undefined ? [] : [[value, counts[domain]]];
    }),
  );
}

test('podsPerDomain() counts what is there, and what comes and goes', () => {
  const cluster = new Cluster();
  const a = cluster.setNode('a', 'east');
  cluster.setNode('b', 'west');
  cluster.addPod(a, 'web');
  const counts = cluster.counts.podsPerDomain(WEB, ZONE);
  assert.deepEqual(asMap(counts, ['east', 'west']), { east: 1, west: 0 });
  assert.equal(counts.minimum, 0);
  const second = cluster.addPod(a, 'web');
  cluster.addPod(a, 'db');
  cluster.addPod(a, 'web', 'other');
  assert.deepEqual(asMap(counts, ['east', 'west']), { east: 2, west: 0 });
  cluster.removePod(second, a);
  cluster.setNode('a', 'west');
  assert.deepEqual(asMap(counts, ['east', 'west']), { west: 1 });
  assert.deepEqual([counts.size, counts.minimum, counts.total], [1, 1, 1]);
});

test('podsPerDomain() counts only nodes that meet the criteria', () => {
  const cluster = new Cluster();
  const a = cluster.setNode('a', 'east', true);
  cluster.addPod(a, 'web');
  const counts = cluster.counts.podsPerDomain(WEB, ZONE, UNTAINTED);
  assert.deepEqual([counts.size, counts.total], [0, 0]);
  cluster.setNode('a', 'east');
  assert.deepEqual([counts.size, counts.total, counts.minimum], [1, 1, 1]);
});

test('podsPerNode() counts pods on nodes that are in no domain', () => {
  const cluster = new Cluster();
  const a = cluster.setNode('a');
  cluster.addPod(a, 'web');
  assert.equal(cluster.counts.podsPerNode(WEB).on(a.index), 1);
  assert.equal(cluster.counts.podsPerNode(WEB).on(99), 0);
  assert.equal(cluster.counts.podsPerDomain(WEB, ZONE).total, 0);
});

test('tally() counts what the plugin adds, per domain as well', () => {
  const cluster = new Cluster();
  const a = cluster.setNode('a', 'east');
  const tally = cluster.counts.tally();
  tally.add(a.index, 2);
  const counts = cluster.counts.perDomain(tally, ZONE);
  assert.deepEqual(asMap(counts, ['east']), { east: 2 });
  cluster.setNode('a', 'west');
  assert.deepEqual(asMap(counts, ['west']), { west: 2 });
  cluster.counts.release(tally);
});

test('epoch changes when counts are dropped to make room, and those asked for again are right', () => {
  const cluster = new Cluster(new ClusterCounts({ arraysMax: 2 }));
  const a = cluster.setNode('a', 'east');
  cluster.addPod(a, 'web');
  const first = cluster.counts.podsPerNode(WEB);
  cluster.counts.podsPerNode(podsOf('db'));
  assert.equal(cluster.counts.epoch, 0);
  cluster.counts.podsPerNode(podsOf('cache'));
  assert.equal(cluster.counts.epoch, 1);
  cluster.addPod(a, 'web');
  assert.equal(first.on(a.index), 1, 'what was dropped stays as it was');
  assert.equal(cluster.counts.podsPerNode(WEB).on(a.index), 2);
});

test('CountChanges says what would be, and changes nothing', () => {
  const cluster = new Cluster();
  const a = cluster.setNode('a', 'east');
  const b = cluster.setNode('b', 'west');
  for (const state of [a, a, a, b]) cluster.addPod(state, 'web');
  const counts = cluster.counts.podsPerDomain(WEB, ZONE);
  const changes = new CountChanges();
  changes.add(counts, b, 1);
  assert.deepEqual([changes.minimum(counts), changes.total(counts)], [2, 5]);
  changes.add(counts, b, 7);
  assert.equal(changes.minimum(counts), 3);
  const copy = new CountChanges(changes);
  copy.add(counts, a, -3);
  assert.deepEqual([copy.minimum(counts), changes.minimum(counts), counts.minimum], [0, 3, 1]);
  assert.equal(copy.count(counts, counts.topology.find('west') as number), 9);
});

const NAMES = ['a', 'b', 'c', 'd'];
const STEP = fc.oneof(
  fc.record({
    do: fc.constant('node' as const),
    name: fc.constantFrom(...NAMES),
    zone: fc.constantFrom(undefined, 'x', 'y', 'z'),
    tainted: fc.boolean(),
  }),
  fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom(...NAMES) }),
  fc.record({
    do: fc.constant('add' as const),
    name: fc.constantFrom(...NAMES),
    app: fc.constantFrom('web', 'db'),
  }),
  fc.record({ do: fc.constant('take' as const), name: fc.constantFrom(...NAMES), at: fc.nat(9) }),
  fc.record({ do: fc.constant('ask' as const), app: fc.constantFrom('web', 'db', 'none') }),
);

type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

test('counts are those of a scan over all pods, whatever happened before', () => {
  const history = fc.array(STEP, { maxLength: 60 });
  const check = (steps: Step[]) => {
    const cluster = new Cluster(new ClusterCounts({ arraysMax: 4 }));
    for (const step of steps) {
      const state = 'name' in step ? cluster.nodes.get(step.name) : undefined;
      if (step.do === 'node') cluster.setNode(step.name, step.zone, step.tainted);
      else if (step.do === 'remove') cluster.removeNode(step.name);
      else if (step.do === 'add' && state) cluster.addPod(state, step.app);
      else if (step.do === 'take' && state) {
        const victim = state.pods[step.at];
        if (victim) cluster.removePod(victim, state);
      } else if (step.do === 'ask') cluster.counts.podsPerDomain(podsOf(step.app), ZONE);
      for (const app of ['web', 'db']) compare(cluster, app);
    }
  };
  fc.assert(fc.property(history, check), { numRuns: 300, seed: 7 });
});

function compare(cluster: Cluster, app: string): void {
  for (const criteria of [undefined, UNTAINTED]) {
    const counts = cluster.counts.podsPerDomain(podsOf(app), ZONE, criteria);
    const scanned = new Map<string, number>();
    for (const state of cluster.nodes.values()) {
      const { zone } = state.labels;
      if (zone === undefined || criteria?.holds(state) === false) continue;
      const pods = state.pods.filter(({ labels }) => labels.app === app).length;
      scanned.set(zone, (scanned.get(zone) ?? 0) + pods);
    }
    const kept = asMap(counts, [...scanned.keys()]);
    assert.deepEqual(kept, Object.fromEntries(scanned));
    assert.equal(counts.size, scanned.size);
    assert.equal(counts.minimum, scanned.size > 0 ? Math.min(...scanned.values()) : 0);
  }
}
