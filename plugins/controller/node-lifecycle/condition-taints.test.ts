import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, NodeCondition, Taint } from 'kernetes/sdk';
import { changedTaints, type EvictingTaint, NOT_READY, UNREACHABLE } from './condition-taints.ts';

const NOW = '2026-01-01T00:00:00Z';
const taint = (name: string): Taint => ({
  key: `node.kubernetes.io/${name}`,
  effect: 'NoSchedule',
});
const added = (name: string): Taint => ({ ...taint(name), timeAdded: NOW });
const READY = condition('Ready', 'True');

function condition(type: string, status: string): NodeCondition {
  return { type, status };
}

function nodeOf(conditions: NodeCondition[], taints: Taint[] = [], unschedulable = false): Node {
  return { metadata: { name: 'n' }, spec: { taints, unschedulable }, status: { conditions } };
}

const foreign = { key: 'example.com/mine', effect: 'NoSchedule' };
const evicting = { ...taint('not-ready'), effect: 'NoExecute' };
const pressures = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];

const cases: [string, Node, Taint[] | undefined, EvictingTaint?][] = [
  ['a ready node loses the taint of new nodes', nodeOf([READY], [taint('not-ready')]), []],
  ['a ready node without taints stays', nodeOf([READY]), undefined],
  ['one that is not ready gets it', nodeOf([condition('Ready', 'False')]), [added('not-ready')]],
  ['and keeps it', nodeOf([condition('Ready', 'False')], [taint('not-ready')]), undefined],
  [
    'one that is lost is unreachable instead',
    nodeOf([condition('Ready', 'Unknown')], [taint('not-ready')]),
    [added('unreachable')],
  ],
  [
    'each pressure is told',
    nodeOf(pressures.map(type => condition(type, 'True'))),
    ['memory-pressure', 'disk-pressure', 'pid-pressure', 'network-unavailable'].map(added),
  ],
  [
    'a pressure that is not known is none',
    nodeOf(pressures.map(type => condition(type, 'Unknown'))),
    undefined,
  ],
  ['a cordoned node gets a taint', nodeOf([READY], [], true), [added('unschedulable')]],
  ['and loses it again', nodeOf([READY], [taint('unschedulable')]), []],
  ['taints of others stay', nodeOf([READY], [foreign, taint('not-ready')]), [foreign]],
  ['a taint that evicts goes with its cause', nodeOf([READY], [evicting]), []],
  ['stays as long as it should', nodeOf([READY], [evicting]), undefined, NOT_READY],
  [
    'and is exchanged at once',
    nodeOf([READY], [evicting]),
    [{ ...added('unreachable'), effect: 'NoExecute' }],
    UNREACHABLE,
  ],
];

for (const [what, node, wanted, evicting] of cases) {
  test(`changedTaints(): ${what}`, () => {
    assert.deepEqual(changedTaints(node, { now: NOW, evicting }), wanted);
  });
}
