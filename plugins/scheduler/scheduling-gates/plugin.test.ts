import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from 'kernetes/sdk';
import { pod, schedulerContributionOf, testSchedulerPlugin } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const GATED = pod('gated', {
  spec: { containers: [], schedulingGates: [{ name: 'example.com/a' }, { name: 'b' }] },
});

testSchedulerPlugin(plugin, { pods: [GATED] });

test('preEnqueue() holds a pod while it has gates, and names them', () => {
  const { local } = schedulerContributionOf(plugin);
  const ask = (one: typeof GATED) =>
    local?.preEnqueue?.({ pod: podInfoOf(one), nodes: [], config: {}, state: undefined });
  assert.deepEqual(ask(GATED), {
    code: 'unresolvable',
    reasons: ['waiting for scheduling gates: [example.com/a b]'],
  });
  assert.equal(ask(pod('free')), undefined);
  assert.equal(ask(pod('freed', { spec: { containers: [], schedulingGates: [] } })), undefined);
});
