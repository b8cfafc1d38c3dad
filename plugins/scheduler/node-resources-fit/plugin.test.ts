import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Container, type PodSpec, podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { refusalOf } from './fit.ts';
import plugin from './plugin.ts';

const CONFIG = { ignoredResources: ['example.com/soft'], ignoredResourceGroups: ['free.io'] };
const scoringStrategy = {
  type: 'LeastAllocated',
  resources: [{ name: 'cpu', weight: 1 }],
} as const;

testSchedulerPlugin(plugin, {
  config: { ...CONFIG, scoringStrategy },
  pods: [wants({ 'example.com/gpu': '1' })],
});

function wants(requests: Record<string, string>, more: Partial<PodSpec> = {}) {
  return pod('p', { spec: { containers: [container(requests)], ...more } });
}

function container(requests: Record<string, string>, more: Partial<Container> = {}): Container {
  return { name: 'c', image: 'i', resources: { requests }, ...more };
}

const TABLE: [name: string, wanted: ReturnType<typeof wants>, reasons: string[], code?: string][] =
  [
    ['accepts what fits exactly', wants({ cpu: '3', memory: '7Gi' }), []],
    ['accepts a pod that asks for nothing', wants({}), []],
    [
      'refuses too much CPU for now',
      wants({ cpu: '3001m' }),
      ['Insufficient cpu'],
      'unschedulable',
    ],
    ['refuses for good what no empty node has', wants({ cpu: '5' }), ['Insufficient cpu']],
    [
      'names all that lacks, in order',
      wants({ cpu: '64', memory: '1Ti', 'ephemeral-storage': '1Ti', 'example.com/gpu': '1' }),
      [
        'Insufficient cpu',
        'Insufficient memory',
        'Insufficient ephemeral-storage',
        'Insufficient example.com/gpu',
      ],
    ],
    [
      'ignores resources and groups as told',
      wants({ 'example.com/soft': '1', 'free.io/x': '1' }),
      [],
    ],
    [
      'counts overhead',
      wants({ cpu: '3' }, { overhead: { cpu: '1m' } }),
      ['Insufficient cpu'],
      'unschedulable',
    ],
    [
      'counts the largest init container, not their sum',
      wants({}, { initContainers: [container({ cpu: '3' }), container({ cpu: '2' })] }),
      [],
    ],
    [
      'counts sidecars started before an init container with it',
      wants(
        {},
        {
          initContainers: [
            container({ cpu: '1' }, { restartPolicy: 'Always' }),
            container({ cpu: '3' }),
          ],
        },
      ),
      ['Insufficient cpu'],
      'unschedulable',
    ],
    [
      'counts sidecars with the containers',
      wants(
        { cpu: '3' },
        { initContainers: [container({ cpu: '1' }, { restartPolicy: 'Always' })] },
      ),
      ['Insufficient cpu'],
      'unschedulable',
    ],
    [
      'takes a request of the whole pod',
      wants({ cpu: '9' }, { resources: { requests: { cpu: '2' } } }),
      [],
    ],
  ];

for (const [name, wanted, reasons, code = 'unresolvable'] of TABLE) {
  test(`filter() ${name}`, () => {
    const [state] = nodeStates([node('n')]);
    assert.ok(state);
    state.addPod(podInfoOf(wants({ cpu: '1', memory: '1Gi' })));
    const refusal = refusalOf(podInfoOf(wanted), state, CONFIG);
    assert.deepEqual(refusal?.reasons ?? [], reasons);
    if (refusal) assert.equal(refusal.code, code);
  });
}

test('filter() refuses one pod too many', () => {
  const one = node('n');
  const [state] = nodeStates([{ ...one, status: { allocatable: { pods: '1', cpu: '4' } } }]);
  assert.ok(state);
  const wanted = podInfoOf(pod('p'));
  assert.equal(refusalOf(wanted, state, CONFIG), undefined);
  state.addPod(podInfoOf(pod('q')));
  assert.deepEqual(refusalOf(wanted, state, CONFIG)?.reasons, ['Too many pods']);
  state.removePod('default/q');
  assert.equal(refusalOf(wanted, state, CONFIG), undefined);
});
