import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerPort, type PodSpec, podInfoOf } from 'kernetes/sdk';
import {
  node,
  nodeStates,
  pod,
  schedulerContributionOf,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { isTaken } from './ports.ts';

testSchedulerPlugin(plugin, { pods: [taking('with-port', { hostPort: 80 })] });

function taking(name: string, ...ports: Partial<ContainerPort>[]) {
  return pod(name, { spec: { containers: [container(...ports)] } });
}

function container(...ports: Partial<ContainerPort>[]) {
  return { name: 'c', image: 'i', ports: ports.map(port => ({ containerPort: 1, ...port })) };
}

type Ports = Partial<ContainerPort>[];
const TABLE: [name: string, wanted: Ports, taken: Ports, isTaken: boolean][] = [
  ['accepts an empty node', [{ hostPort: 80 }], [], false],
  ['accepts another port', [{ hostPort: 80 }], [{ hostPort: 81 }], false],
  ['refuses the same port', [{ hostPort: 80 }], [{ hostPort: 80 }], true],
  [
    'accepts the same port of another protocol',
    [{ hostPort: 80, protocol: 'UDP' }],
    [{ hostPort: 80, protocol: 'TCP' }],
    false,
  ],
  ['takes no protocol for TCP', [{ hostPort: 80 }], [{ hostPort: 80, protocol: 'TCP' }], true],
  [
    'accepts the same port of another address',
    [{ hostPort: 80, hostIP: '127.0.0.1' }],
    [{ hostPort: 80, hostIP: '127.0.0.2' }],
    false,
  ],
  [
    'refuses an address where all are taken',
    [{ hostPort: 80, hostIP: '127.0.0.1' }],
    [{ hostPort: 80, hostIP: '0.0.0.0' }],
    true,
  ],
  [
    'refuses all addresses where one is taken',
    [{ hostPort: 80 }],
    [{ hostPort: 80, hostIP: '127.0.0.1' }],
    true,
  ],
  ['refuses when the second is taken', [{ hostPort: 1 }, { hostPort: 2 }], [{ hostPort: 2 }], true],
  ['does not mind ports of the container only', [{ hostPort: 80 }], [{ containerPort: 80 }], false],
];

for (const [name, wanted, taken, expected] of TABLE) {
  test(`filter() ${name}`, () => {
    const [state] = nodeStates([node('n')]);
    assert.ok(state);
    if (taken.length > 0) state.addPod(podInfoOf(taking('there', ...taken)));
    assert.equal(isTaken(podInfoOf(taking('p', ...wanted)).hostPorts, state), expected);
  });
}

test('filter() says so, and that removing pods may help', () => {
  const { local } = schedulerContributionOf(plugin);
  const nodes = nodeStates([node('n')]);
  const [state] = nodes;
  assert.ok(state);
  const wanted = podInfoOf(taking('p', { hostPort: 80 }));
  state.addPod(wanted);
  const context = { pod: wanted, node: state, nodes, config: {}, state: undefined };
  assert.equal(local?.preFilter?.(context), undefined);
  assert.deepEqual(local?.filter?.(context), {
    code: 'unschedulable',
    reasons: ["node(s) didn't have free ports for the requested pod ports"],
  });
  assert.deepEqual(local?.preFilter?.({ ...context, pod: podInfoOf(pod('q')) }), { code: 'skip' });
});

test('filter() counts sidecars, not init containers', () => {
  const restarted: PodSpec = {
    containers: [],
    initContainers: [{ ...container({ hostPort: 1 }), restartPolicy: 'Always' }],
  };
  const initOnly: PodSpec = { containers: [], initContainers: [container({ hostPort: 1 })] };
  assert.equal(podInfoOf(pod('p', { spec: restarted })).hostPorts.length, 1);
  assert.equal(podInfoOf(pod('p', { spec: initOnly })).hostPorts.length, 0);
});

test('a pod that goes wakes those that want its port', () => {
  const { local } = schedulerContributionOf(plugin);
  const hint = local?.requeueOn?.find(one => typeof one !== 'string' && one.on === 'PodDelete');
  assert.ok(hint && typeof hint !== 'string');
  const wanted = podInfoOf(taking('p', { hostPort: 80 }));
  const change = { event: 'PodDelete', pod: wanted, config: {}, node: undefined } as const;
  const fits = (port: number) =>
    hint.fits({ ...change, other: podInfoOf(taking('q', { hostPort: port })) });
  assert.equal(fits(80), true);
  assert.equal(fits(81), false);
});
