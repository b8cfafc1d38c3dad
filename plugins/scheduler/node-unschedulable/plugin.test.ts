import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf, type Toleration } from 'kernetes/sdk';
import {
  node,
  nodeStates,
  pod,
  schedulerContributionOf,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

testSchedulerPlugin(plugin);

const KEY = 'node.kubernetes.io/unschedulable';
const TABLE: [name: string, unschedulable: boolean, tolerations: Toleration[], fits: boolean][] = [
  ['accepts a node that is not cordoned', false, [], true],
  ['refuses a cordoned node', true, [], false],
  ['accepts it for a pod that tolerates the taint', true, [{ key: KEY, operator: 'Exists' }], true],
  [
    'refuses it for a toleration of another effect',
    true,
    [{ key: KEY, operator: 'Exists', effect: 'NoExecute' }],
    false,
  ],
];

for (const [name, unschedulable, tolerations, fits] of TABLE) {
  test(`filter() ${name}`, () => {
    const { local } = schedulerContributionOf(plugin);
    const nodes = nodeStates([node('n', { spec: { unschedulable } })]);
    const one = podInfoOf(pod('p', { spec: { containers: [], tolerations } }));
    const context = { pod: one, nodes, config: {}, state: undefined };
    const outcome = nodes.map(state => local?.filter?.({ ...context, node: state }))[0];
    assert.equal(outcome === undefined, fits);
    if (outcome)
      assert.deepEqual(outcome, {
        code: 'unresolvable',
        reasons: ['node(s) were unschedulable'],
      });
  });
}
