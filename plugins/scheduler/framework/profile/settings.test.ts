import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameworkConfig } from './config.ts';
import { loadSettings } from './settings.ts';

const OWN: FrameworkConfig = {
  schedulerName: 'default-scheduler',
  percentageOfNodesToScore: 0,
  plugins: [{ name: 'PodFitsResources' }, { name: 'LeastRequestedPriority', weight: 2 }],
};
const FILE = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
};

test('presets in a list of plugins are resolved, and what nobody asked for is off', async () => {
  const { profiles, notes, backoff } = await loadSettings(OWN);
  assert.deepEqual(profiles[0]?.plugins, [
    {
      name: 'NodeResourcesFit',
      points: ['preFilter', 'filter', 'preScore', 'score'],
      weight: 2,
      args: { scoringStrategy: { type: 'LeastAllocated' } },
    },
    { name: 'NodeConditions', disabled: true },
    { name: 'NodeLabel', disabled: true },
    { name: 'NodePreferAvoidPods', disabled: true },
    { name: 'SelectorSpread', disabled: true },
    { name: 'ServiceAffinity', disabled: true },
  ]);
  assert.deepEqual(notes, []);
  assert.deepEqual(backoff, { minMs: 1_000, maxMs: 10_000 });
});

test('the back-off can be set, but cannot shrink', async () => {
  const { backoff } = await loadSettings({ ...OWN, podInitialBackoffSeconds: 2 });
  assert.deepEqual(backoff, { minMs: 2_000, maxMs: 10_000 });
  await assert.rejects(
    loadSettings({ ...OWN, podMaxBackoffSeconds: 3, podInitialBackoffSeconds: 4 }),
    { message: 'Back-off of pods: "podMaxBackoffSeconds" is less than the initial one' },
  );
});

test('a configuration stands in place of the rest', async () => {
  const configuration = { ...FILE, podInitialBackoffSeconds: 5, leaderElection: {} };
  const { profiles, notes, backoff } = await loadSettings({ ...OWN, configuration });
  assert.equal(profiles[0]?.plugins[0]?.name, 'SchedulingGates');
  assert.deepEqual(profiles[0]?.plugins.at(-1), { name: '*', disabled: true });
  assert.deepEqual(notes, ['leaderElection is set for the whole cluster']);
  assert.deepEqual(backoff, { minMs: 5_000, maxMs: 10_000 });
});

test('extenders are asked after the other filters and before the binder', async () => {
  const extenders = [
    { urlPrefix: 'http://a', prioritizeVerb: 'p', weight: 2 },
    { urlPrefix: 'http://b', prioritizeVerb: 'p', weight: 3 },
    { urlPrefix: 'http://c', filterVerb: 'f' },
  ];
  const { profiles } = await loadSettings({ ...OWN, configuration: { ...FILE, extenders } });
  assert.deepEqual(profiles[0]?.plugins.slice(-3), [
    { name: 'HTTPExtenders', weight: 5 },
    { name: 'DefaultBinder' },
    { name: '*', disabled: true },
  ]);
});

test('a configuration that is wrong is refused in one line', async () => {
  await assert.rejects(loadSettings({ ...OWN, configuration: { ...FILE, parallelism: -1 } }), {
    message:
      'Cannot use the scheduler configuration: parallelism: Invalid value: -1: ' +
      'should be an integer value greater than zero',
  });
});
