import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from 'kernetes/sdk';
import {
  node,
  nodeStates,
  pod,
  schedulerContributionOf,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const NAMED = pod('named', { spec: { containers: [], nodeName: 'plain' } });

testSchedulerPlugin(plugin, { pods: [NAMED] });

test('filter() accepts the node that the pod names and no other', () => {
  const { local } = schedulerContributionOf(plugin);
  const nodes = nodeStates([node('plain'), node('other')]);
  const outcomes = nodes.map(one =>
    local?.filter?.({ pod: podInfoOf(NAMED), node: one, nodes, config: {}, state: undefined }),
  );
  assert.equal(outcomes[0], undefined);
  assert.deepEqual(outcomes[1], {
    code: 'unresolvable',
    reasons: ["node(s) didn't match the requested node name"],
  });
});
