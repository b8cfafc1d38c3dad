import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OwnerReference, podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { ANNOTATION, avoidable, isAvoided } from './avoided.ts';
import plugin from './plugin.ts';

const OWNER: OwnerReference = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web',
  uid: 'u1',
  controller: true,
};
const owned = (owner: OwnerReference) => pod('p', { metadata: { ownerReferences: [owner] } });
const annotated = (value: string) =>
  node('n', { metadata: { annotations: { [ANNOTATION]: value } } });
const avoiding = (kind: string, uid: string) =>
  JSON.stringify({ preferAvoidPods: [{ podSignature: { podController: { kind, uid } } }] });

testSchedulerPlugin(plugin, {
  pods: [owned(OWNER)],
  nodes: [annotated(avoiding('ReplicaSet', 'u1'))],
});

const TABLE: [name: string, annotation: string, avoided: boolean][] = [
  ['avoids the pods that the node names', avoiding('ReplicaSet', 'u1'), true],
  ['does not avoid those of another', avoiding('ReplicaSet', 'u2'), false],
  ['does not avoid those of another kind', avoiding('ReplicationController', 'u1'), false],
  ['does not mind what is no JSON', '{', false],
  ['does not mind what has another form', '{"preferAvoidPods":[{"podSignature":1}]}', false],
];

for (const [name, annotation, avoided] of TABLE) {
  test(`score() ${name}`, () => {
    const [state] = nodeStates([annotated(annotation)]);
    assert.ok(state);
    assert.equal(isAvoided(state, OWNER), avoided);
  });
}

test('score() is about replica sets and replication controllers only', () => {
  assert.ok(avoidable(podInfoOf(owned(OWNER))));
  assert.equal(avoidable(podInfoOf(owned({ ...OWNER, kind: 'Job' }))), undefined);
  assert.equal(avoidable(podInfoOf(owned({ ...OWNER, controller: false }))), undefined);
  assert.equal(avoidable(podInfoOf(pod('p'))), undefined);
});
