import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeColumns } from './scheduler-columns.ts';
import { podInfoOf } from './scheduler-info.ts';
import { node, pod } from './testing/builders.ts';
import { nodeStates } from './testing/scheduler-conformance.ts';

const TAINTED = node('tainted', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });

test('a row has the numbers of its node', () => {
  const columns = new NodeColumns();
  const [state] = nodeStates([node('n', { spec: { unschedulable: true } })]);
  assert.ok(state);
  const requests = { cpu: '1', memory: '2Gi' };
  const containers = [{ name: 'c', image: 'i', resources: { requests } }];
  state.addPod(podInfoOf(pod('p', { spec: { containers } })));
  columns.write(state);
  assert.equal(columns.allocatableMilliCpu[0], state.allocatable.milliCpu);
  assert.equal(columns.requestedMemory[0], 2 * 1024 ** 3);
  assert.equal(columns.requestedPods[0], 1);
  assert.equal(columns.unschedulable[0], 1);
  state.removePod('default/p');
  columns.write(state);
  assert.equal(columns.requestedMilliCpu[0], 0);
});

test('growing keeps what was written, and another view sees it', () => {
  const columns = new NodeColumns();
  const states = nodeStates(Array.from({ length: 200 }, (_, i) => node(`n${i}`)));
  for (const state of states) columns.write(state);
  assert.ok(columns.capacity >= 200);
  const view = new NodeColumns(columns.buffer);
  assert.deepEqual(
    [...view.generation.subarray(0, 200)],
    [...states.keys()].map(i => i + 1),
  );
});

test('nodes with the same taints share a set, and a set without nodes is used again', () => {
  const columns = new NodeColumns();
  const states = nodeStates([TAINTED, node('plain'), TAINTED]);
  for (const state of states) columns.write(state);
  assert.deepEqual([...columns.taintSet.subarray(0, 3)], [1, 0, 1]);
  assert.deepEqual(columns.taintSets[1], TAINTED.spec?.taints);
  columns.clear(0);
  assert.equal(columns.taintSets[1]?.length, 1);
  columns.clear(2);
  const [other] = nodeStates([
    node('o', { spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } }),
  ]);
  assert.ok(other);
  columns.write(other);
  assert.equal(columns.taintSet[0], 1);
  assert.equal(columns.taintSets.length, 2);
});
