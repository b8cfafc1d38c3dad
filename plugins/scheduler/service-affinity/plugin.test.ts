import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type NodeState,
  type Pod,
  podInfoOf,
  type SchedulerPlugin,
  Service,
  schedulerPoint,
} from 'kernetes/sdk';
import {
  activate,
  node,
  nodeStates,
  PluginCluster,
  pod,
  service,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { type AffinityConfig, ServiceAffinity } from './service-affinity.ts';

testSchedulerPlugin(plugin);

const NONE: AffinityConfig = { affinityLabels: [], antiAffinityLabelsPreference: [] };
const NO_MATCH = "node(s) didn't match service affinity";
const LABELS = {
  a: { region: 'x', zone: '1' },
  b: { region: 'x', zone: '2' },
  c: { region: 'y', zone: '3' },
  d: {},
};

function web(name: string, rest: Partial<Pod['metadata']> = {}, spec = {}): Pod {
  return pod(name, {
    metadata: { labels: { app: 'web' }, ...rest },
    spec: { containers: [{ name: 'main' }], ...spec },
  });
}

async function setUp(config: Partial<AffinityConfig>, there: readonly (readonly [Pod, string])[]) {
  const kernel = new TestKernel();
  kernel.add(Service, service('web'));
  const whole = { ...NONE, ...config };
  const { context, clock } = await activate(plugin, { kernel, config: whole });
  await clock.step(0);
  const [contribution] = context.contributions(schedulerPoint).list();
  const cluster = new PluginCluster(contribution?.value.local as SchedulerPlugin, whole);
  for (const [name, labels] of Object.entries(LABELS)) {
    cluster.setNode(node(name, { metadata: { labels } }));
  }
  for (const [one, on] of there) cluster.setPod(one, on);
  return cluster;
}

const filters: [
  name: string,
  labels: string[],
  there: (readonly [Pod, string])[],
  wanted: Pod,
  refused: string[],
][] = [
  ['says nothing without labels', [], [[web('w'), 'a']], web('p'), []],
  ['takes any node for the first pod', ['region'], [], web('p'), []],
  [
    'takes nodes that are like the one of the first',
    ['region'],
    [[web('w'), 'a']],
    web('p'),
    ['c', 'd'],
  ],
  ['wants all labels alike', ['region', 'zone'], [[web('w'), 'a']], web('p'), ['b', 'c', 'd']],
  ['leaves out labels that the first node lacks', ['region'], [[web('w'), 'd']], web('p'), []],
  [
    'goes by the nodeSelector first',
    ['region'],
    [[web('w'), 'a']],
    web('p', {}, { nodeSelector: { region: 'y' } }),
    ['a', 'b', 'd'],
  ],
  [
    'fills up what the nodeSelector leaves open',
    ['region', 'zone'],
    [[web('w'), 'a']],
    web('p', {}, { nodeSelector: { region: 'x' } }),
    ['b', 'c', 'd'],
  ],
  [
    'is about pods of a Service',
    ['region'],
    [[web('w', { labels: { app: 'db' } }), 'a']],
    web('p', { labels: { app: 'db' } }),
    [],
  ],
  [
    'does not look at other namespaces',
    ['region'],
    [[web('w', { namespace: 'other' }), 'a']],
    web('p'),
    [],
  ],
  [
    'looks at pods with all labels of the pod',
    ['region'],
    [[web('w'), 'a']],
    web('p', { labels: { app: 'web', tier: '1' } }),
    [],
  ],
];
for (const [name, affinityLabels, there, wanted, refused] of filters) {
  test(`filter() ${name}`, async () => {
    const cluster = await setUp({ affinityLabels }, there);
    const expected = Object.fromEntries(refused.map(each => [each, NO_MATCH]));
    assert.deepEqual(cluster.refusals(wanted), expected);
  });
}

const scores: [
  name: string,
  labels: string[],
  there: (readonly [Pod, string])[],
  wanted: Record<string, number>,
][] = [
  ['says nothing without labels', [], [[web('w'), 'a']], {}],
  [
    'is the same wherever the label is, without pods',
    ['region'],
    [],
    { a: 100, b: 100, c: 100, d: 0 },
  ],
  [
    'prefers values with fewer pods of the Service',
    ['region'],
    [
      [web('w'), 'a'],
      [web('v'), 'b'],
      [web('u'), 'c'],
    ],
    { a: 33, b: 33, c: 66, d: 0 },
  ],
  [
    'counts each label for its share',
    ['region', 'zone'],
    [[web('w'), 'a']],
    { a: 0, b: 50, c: 100, d: 0 },
  ],
  [
    'does not count pods that are others or go',
    ['region'],
    [
      [web('w', { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'a'],
      [web('v', { namespace: 'other' }), 'a'],
      [web('u', { labels: { app: 'db' } }), 'a'],
    ],
    { a: 100, b: 100, c: 100, d: 0 },
  ],
];
for (const [name, antiAffinityLabelsPreference, there, wanted] of scores) {
  test(`score() ${name}`, async () => {
    const cluster = await setUp({ antiAffinityLabelsPreference }, there);
    assert.deepEqual(cluster.scores(web('p')), wanted);
  });
}

test('addPod() and removePod() move what the pods of a trial ask for', () => {
  const affinity = new ServiceAffinity({ list: () => [service('web')] });
  const states = nodeStates(
    Object.entries(LABELS).map(([name, labels]) => node(name, { metadata: { labels } })),
  );
  const [a, , c] = states as [NodeState, NodeState, NodeState, NodeState];
  const first = podInfoOf(web('w'));
  a.addPod(first);
  for (const each of states) affinity.counts.nodeAdded(each);
  const config = { ...NONE, affinityLabels: ['region'] };
  const wanted = podInfoOf(web('p'));
  const state = affinity.begin({ pod: wanted });
  const on = (one: NodeState) => ({ pod: wanted, config, state, nodes: states, node: one });
  const refused = () => states.filter(one => affinity.refusalOf(on(one))).map(({ name }) => name);
  assert.deepEqual(refused(), ['c', 'd']);
  affinity.change(on(a), podInfoOf(web('x', { namespace: 'other' })), -1);
  affinity.change(on(a), podInfoOf(pod('y')), -1);
  assert.deepEqual(refused(), ['c', 'd'], 'these are none of its pods');
  affinity.change(on(a), first, -1);
  assert.deepEqual(refused(), []);
  affinity.change(on(c), first, 1);
  assert.deepEqual(refused(), ['a', 'b', 'd']);
});
