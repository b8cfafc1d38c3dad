import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf, scoreAt } from 'kernetes/sdk';
import { node, nodeStates, pod } from 'kernetes/sdk/testing';
import { type ScoringStrategy, scorerOf } from './strategy.ts';

/** The node has 4 CPUs and 8 GiB. */
function asking(requests: Record<string, string>) {
  const containers = [{ name: 'c', image: 'i', resources: { requests } }];
  return podInfoOf(pod('p', { spec: { containers } }));
}

const CPU = { name: 'cpu', weight: 1 };
const MEMORY = { name: 'memory', weight: 1 };
const LEAST: ScoringStrategy = { type: 'LeastAllocated', resources: [CPU, MEMORY] };
const MOST: ScoringStrategy = { ...LEAST, type: 'MostAllocated' };
const RATIO: ScoringStrategy = {
  type: 'RequestedToCapacityRatio',
  resources: [CPU, MEMORY],
  requestedToCapacityRatio: {
    shape: [
      { utilization: 0, score: 10 },
      { utilization: 50, score: 0 },
      { utilization: 100, score: 5 },
    ],
  },
};

const TABLE: [name: string, strategy: ScoringStrategy, requests: Record<string, string>, number][] =
  [
    ['is the free share', LEAST, { cpu: '2', memory: '4Gi' }, 50],
    ['is the mean over resources', LEAST, { cpu: '4', memory: '4Gi' }, 25],
    ['is 0 for a resource asked beyond what there is', LEAST, { cpu: '8', memory: '4Gi' }, 25],
    ['counts a little for what is not asked for', LEAST, {}, 97],
    [
      'weighs resources',
      { ...LEAST, resources: [CPU, { ...MEMORY, weight: 4 }] },
      { cpu: '4', memory: '4Gi' },
      40,
    ],
    [
      'leaves out what the node has not',
      { ...LEAST, resources: [{ name: 'x/gpu', weight: 1 }] },
      { 'x/gpu': '1' },
      0,
    ],
    ['is the taken share', MOST, { cpu: '2', memory: '6Gi' }, 62],
    ['takes what is beyond capacity for full', MOST, { cpu: '8', memory: '8Gi' }, 100],
    ['follows the shape', RATIO, { cpu: '1', memory: '2Gi' }, 50],
    ['leaves out what the shape gives 0', RATIO, { cpu: '2', memory: '2Gi' }, 50],
    ['rounds', RATIO, { cpu: '1', memory: '3Gi' }, 38],
    ['takes what is beyond capacity for full', RATIO, { cpu: '8', memory: '8Gi' }, 50],
  ];

for (const [name, strategy, requests, score] of TABLE) {
  test(`score() by ${strategy.type} ${name}`, () => {
    const [state] = nodeStates([node('n')]);
    assert.ok(state);
    assert.equal(scorerOf(strategy)(asking(requests), state), score);
  });
}

test('score() falls as the node fills', () => {
  const [state] = nodeStates([node('n')]);
  assert.ok(state);
  state.addPod(asking({ cpu: '1', memory: '2Gi' }));
  assert.equal(scorerOf(LEAST)(asking({ cpu: '1', memory: '2Gi' }), state), 50);
});

test('score() looks at an extended resource only for pods that ask for it', () => {
  const one = node('n');
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110', 'x/gpu': '4' };
  const [state] = nodeStates([{ ...one, status: { allocatable } }]);
  assert.ok(state);
  const resources = [CPU, { name: 'x/gpu', weight: 1 }];
  const score = scorerOf({ type: 'LeastAllocated', resources });
  assert.equal(score(asking({ cpu: '2' }), state), 50);
  assert.equal(score(asking({ cpu: '2', 'x/gpu': '4' }), state), 25);
});

test('a shape is level outside of its points', () => {
  const shape = [
    { utilization: 20, score: 2 },
    { utilization: 50, score: 9 },
  ];
  assert.deepEqual(
    [0, 20, 35, 50, 100].map(use => scoreAt(shape, use)),
    [20, 20, 55, 90, 90],
  );
});
