import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Fence, ObjectRequest } from '../../sdk/request.ts';
import { BadMessage, checkPluginMessage } from './wire-check.ts';

const FENCE: Fence = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resource: 'leases',
  namespace: 'kube-system',
  name: 'managers',
  uid: 'u-1',
  resourceVersion: '7',
  fields: { 'spec.holderIdentity': 'a', 'spec.leaseTransitions': 3 },
};

function check(fence: unknown): unknown {
  const request = { verb: 'delete', group: '', version: 'v1', resource: 'pods', fence };
  const message = checkPluginMessage({ type: 'request', id: 1, requests: [request] });
  return (message as { requests: readonly ObjectRequest[] }).requests[0]?.fence;
}

it('checkPluginMessage() lets the fence of a write through, and nothing beside it', () => {
  assert.deepEqual(check({ ...FENCE, other: true }), FENCE);
});

const BAD: readonly { name: string; fence: unknown }[] = [
  { name: 'no object', fence: 'managers' },
  { name: 'without a uid', fence: { ...FENCE, uid: undefined } },
  { name: 'with a number for a revision', fence: { ...FENCE, resourceVersion: 7 } },
  { name: 'with fields that are a list', fence: { ...FENCE, fields: [] } },
  { name: 'with a field that is an object', fence: { ...FENCE, fields: { spec: {} } } },
];
for (const { name, fence } of BAD) {
  it(`checkPluginMessage() refuses a fence ${name}`, () => {
    assert.throws(() => check(fence), BadMessage);
  });
}
