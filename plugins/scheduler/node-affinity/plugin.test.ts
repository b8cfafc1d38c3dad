import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeSelectorTerm, type PodSpec, podInfoOf } from 'kernetes/sdk';
import {
  node,
  nodeStates,
  pod,
  schedulerContributionOf,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import {
  addedAffinityOf,
  CONFLICT,
  preferenceScore,
  preferredState,
  refusalOf,
  requiredState,
} from './affinity.ts';
import plugin from './plugin.ts';

const IN_A: NodeSelectorTerm = {
  matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }],
};
const NAMED: NodeSelectorTerm = {
  matchFields: [{ key: 'metadata.name', operator: 'In', values: ['plain'] }],
};

function affine(...nodeSelectorTerms: NodeSelectorTerm[]): Partial<PodSpec> {
  const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { affinity: { nodeAffinity: required } };
}

function podWith(spec: Partial<PodSpec>) {
  return pod('p', { spec: { containers: [], ...spec } });
}

const PREFERRING = podWith({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 30, preference: IN_A },
        { weight: 5, preference: NAMED },
      ],
    },
  },
});

testSchedulerPlugin(plugin, { pods: [podWith(affine(IN_A)), podWith(affine(NAMED)), PREFERRING] });

const [state] = nodeStates([node('plain', { metadata: { labels: { zone: 'a', cores: '8' } } })]);
assert.ok(state);

const NOTHING_ADDED = addedAffinityOf({});

const TABLE: [name: string, spec: Partial<PodSpec>, fits: boolean][] = [
  ['accepts a pod that wants nothing', {}, true],
  ['accepts an equal label', { nodeSelector: { zone: 'a' } }, true],
  ['rejects another label', { nodeSelector: { zone: 'b' } }, false],
  ['wants both nodeSelector and affinity', { nodeSelector: { zone: 'b' }, ...affine(IN_A) }, false],
  [
    'accepts one of several terms',
    affine({ matchExpressions: [{ key: 'x', operator: 'Exists' }] }, IN_A),
    true,
  ],
  ['rejects an empty term', affine({}), false],
  ['accepts NotIn where the label is absent', affine(expression('x', 'NotIn', 'a')), true],
  ['accepts DoesNotExist', affine(expression('x', 'DoesNotExist')), true],
  ['accepts Gt', affine(expression('cores', 'Gt', '7')), true],
  ['rejects Gt of the same', affine(expression('cores', 'Gt', '8')), false],
  ['accepts Lt', affine(expression('cores', 'Lt', '9')), true],
  ['rejects Lt of what is no number', affine(expression('zone', 'Lt', '9')), false],
  ['accepts its name', affine(NAMED), true],
];

function expression(key: string, operator: string, ...values: string[]): NodeSelectorTerm {
  return { matchExpressions: [{ key, operator, values }] };
}

for (const [name, spec, fits] of TABLE) {
  test(`filter() ${name}`, () => {
    const required = requiredState(podInfoOf(podWith(spec)), NOTHING_ADDED);
    const refusal = required && refusalOf(state, required);
    assert.equal(refusal === undefined, fits);
    const reasons = ["node(s) didn't match Pod's node affinity/selector"];
    if (refusal) assert.deepEqual(refusal, { code: 'unresolvable', reasons });
  });
}

test('filter() enforces the added affinity and says so', () => {
  const addedAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [expression('x', 'Exists')],
    },
  };
  const required = requiredState(podInfoOf(podWith({})), addedAffinityOf({ addedAffinity }));
  assert.ok(required);
  assert.deepEqual(refusalOf(state, required)?.reasons, [
    "node(s) didn't match scheduler-enforced node affinity",
  ]);
});

test('score() adds the weights of the terms that match', () => {
  const preferred = preferredState(podInfoOf(PREFERRING), NOTHING_ADDED);
  assert.ok(preferred);
  assert.equal(preferenceScore(state, preferred), 35);
  assert.equal(preferredState(podInfoOf(podWith({})), NOTHING_ADDED), undefined);
});

test('score() adds the preferences that are added', () => {
  const addedAffinity = {
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, preference: IN_A }],
  };
  const preferred = preferredState(podInfoOf(PREFERRING), addedAffinityOf({ addedAffinity }));
  assert.ok(preferred);
  assert.equal(preferenceScore(state, preferred), 42);
});

function fieldNamed(...lists: string[][]): NodeSelectorTerm {
  return {
    matchFields: lists.map(values => ({ key: 'metadata.name', operator: 'In', values })),
  };
}

const NAMES: [name: string, terms: NodeSelectorTerm[], expected: unknown][] = [
  ['names the nodes of all terms', [fieldNamed(['a']), fieldNamed(['b'])], ['a', 'b']],
  ['names the nodes that a term names each time', [fieldNamed(['a', 'b'], ['b'])], ['b']],
  ['names none when one term names none', [fieldNamed(['a']), IN_A], undefined],
  ['refuses terms that contradict themselves', [fieldNamed(['a'], ['b'])], CONFLICT],
  ['leaves terms that match nothing to filter()', [], undefined],
];

for (const [name, terms, expected] of NAMES) {
  test(`preFilter() ${name}`, () => {
    const { local } = schedulerContributionOf(plugin);
    const one = podInfoOf(podWith(affine(...terms)));
    const said = local?.preFilter?.({ pod: one, nodes: [state], config: {}, state: undefined });
    assert.deepEqual(said?.code === 'only' ? said.nodeNames : said, expected);
  });
}

test('a node wakes the pods that it suits', () => {
  const { local } = schedulerContributionOf(plugin);
  const hint = local?.requeueOn?.[0];
  assert.ok(hint && typeof hint !== 'string');
  const woken = (zone: string) => {
    const one = podInfoOf(podWith({ nodeSelector: { zone } }));
    return hint.fits({ event: 'NodeAdd', pod: one, config: {}, node: state, other: undefined });
  };
  assert.equal(woken('a'), true);
  assert.equal(woken('b'), false);
});
