import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PodSpec, podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { type ConditionsConfig, isBestEffort, refusalOf } from './conditions.ts';
import plugin from './plugin.ts';

function saying(conditions: Record<string, string>) {
  const list = Object.entries(conditions).map(([type, status]) => ({ type, status }));
  return { ...node('n'), status: { ...node('n').status, conditions: list } };
}

testSchedulerPlugin(plugin, {
  nodes: [saying({ Ready: 'False' }), saying({ MemoryPressure: 'True' })],
});

const ALL: ConditionsConfig = {
  ready: true,
  memoryPressure: true,
  diskPressure: true,
  pidPressure: true,
};
type Row = [
  name: string,
  conditions: Record<string, string>,
  reason: string | undefined,
  more?: { config?: Partial<ConditionsConfig>; isBestEffort?: boolean },
];
const TABLE: Row[] = [
  ['accepts a ready node', { Ready: 'True', DiskPressure: 'False' }, undefined],
  ['accepts a node that says nothing', {}, undefined],
  ['refuses a node that is not ready', { Ready: 'False' }, 'node(s) were not ready'],
  ['refuses a node that is not known to be ready', { Ready: 'Unknown' }, 'node(s) were not ready'],
  [
    'refuses a node without network',
    { Ready: 'True', NetworkUnavailable: 'True' },
    'node(s) had unavailable network',
  ],
  ['refuses disk pressure', { DiskPressure: 'True' }, 'node(s) had disk pressure'],
  ['refuses pid pressure', { PIDPressure: 'True' }, 'node(s) had pid pressure'],
  [
    'refuses memory pressure to BestEffort pods',
    { MemoryPressure: 'True' },
    'node(s) had memory pressure',
    { isBestEffort: true },
  ],
  ['accepts memory pressure for others', { MemoryPressure: 'True' }, undefined],
  [
    'looks at nothing that it is told not to',
    { Ready: 'False', DiskPressure: 'True', PIDPressure: 'True', MemoryPressure: 'True' },
    undefined,
    {
      config: { ready: false, memoryPressure: false, diskPressure: false, pidPressure: false },
      isBestEffort: true,
    },
  ],
];

for (const [name, conditions, reason, more = {}] of TABLE) {
  test(`filter() ${name}`, () => {
    const [state] = nodeStates([saying(conditions)]);
    assert.ok(state);
    const refusal = refusalOf(state, more.isBestEffort ?? false, { ...ALL, ...more.config });
    assert.deepEqual(refusal, reason && { code: 'unresolvable', reasons: [reason] });
  });
}

const CLASSES: [name: string, spec: PodSpec, expected: boolean][] = [
  ['without requests and limits', { containers: [{ name: 'c', image: 'i' }] }, true],
  [
    'with a request',
    { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] },
    false,
  ],
  [
    'with a limit in an init container',
    {
      containers: [],
      initContainers: [{ name: 'c', image: 'i', resources: { limits: { memory: '1' } } }],
    },
    false,
  ],
  [
    'with another resource only',
    { containers: [{ name: 'c', image: 'i', resources: { requests: { 'x/gpu': '1' } } }] },
    true,
  ],
];

for (const [name, spec, expected] of CLASSES) {
  test(`a pod ${name} is ${expected ? '' : 'not '}of the class BestEffort`, () => {
    assert.equal(isBestEffort(podInfoOf(pod('p', { spec }))), expected);
  });
}
