import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { leastAllocated } from './least-allocated.ts';
import plugin from './plugin.ts';

testSchedulerPlugin(plugin);

function asking(requests: Record<string, string>) {
  const containers = [{ name: 'c', image: 'i', resources: { requests } }];
  return podInfoOf(pod('p', { spec: { containers } }));
}

const EVEN = {
  resources: [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ],
};

const TABLE: [name: string, pod: ReturnType<typeof asking>, config: typeof EVEN, score: number][] =
  [
    ['is the free share', asking({ cpu: '2', memory: '4Gi' }), EVEN, 50],
    ['is the mean over resources', asking({ cpu: '4', memory: '4Gi' }), EVEN, 25],
    [
      'is 0 for a resource asked beyond what there is',
      asking({ cpu: '8', memory: '4Gi' }),
      EVEN,
      25,
    ],
    ['counts a little for what is not asked for', asking({}), EVEN, Math.floor((97 + 97) / 2)],
    [
      'weighs resources',
      asking({ cpu: '4', memory: '4Gi' }),
      {
        resources: [
          { name: 'cpu', weight: 1 },
          { name: 'memory', weight: 4 },
        ],
      },
      40,
    ],
    [
      'leaves out what the node has not',
      asking({}),
      { resources: [{ name: 'x/gpu', weight: 1 }] },
      0,
    ],
  ];

for (const [name, one, config, score] of TABLE) {
  test(`score() ${name}`, () => {
    const [state] = nodeStates([node('n')]);
    assert.ok(state);
    assert.equal(leastAllocated(one, state, config), score);
  });
}

test('score() falls as the node fills', () => {
  const [state] = nodeStates([node('n')]);
  assert.ok(state);
  state.addPod(asking({ cpu: '1', memory: '2Gi' }));
  assert.equal(leastAllocated(asking({ cpu: '1', memory: '2Gi' }), state, EVEN), 50);
});
