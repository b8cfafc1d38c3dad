import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeState, podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod } from 'kernetes/sdk/testing';
import { refusalOf } from './fit.ts';

test("refusalOf() ignores no resource of Kubernetes' own domains", () => {
  const [state] = nodeStates([node('n')]) as [NodeState];
  for (const [name, isIgnored] of [
    ['example.com/gpu', true],
    ['kubernetes.io/gpu', false],
    ['batch.kubernetes.io/gpu', false],
  ] as const) {
    const resources = { requests: { [name]: '1' } };
    const one = podInfoOf(pod('p', { spec: { containers: [{ name: 'main', resources }] } }));
    const config = { ignoredResources: [name], ignoredResourceGroups: [] };
    assert.equal(refusalOf(one, state, config) === undefined, isIgnored, name);
  }
});
