import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf, type QueuedPod } from 'kernetes/sdk';
import { pod, schedulerContributionOf, testSchedulerPlugin } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

testSchedulerPlugin(plugin);

function queued(name: string, priority: number, queuedAt: number): QueuedPod {
  const one = podInfoOf(pod(name, { spec: { containers: [], priority } }));
  return { pod: one, queuedAt, sequence: 0, attempts: 0 };
}

test('queueSort() puts higher priority first, then the older', () => {
  const { local } = schedulerContributionOf(plugin);
  const pods = [
    queued('new', 0, 2),
    queued('old', 0, 1),
    queued('urgent', 9, 3),
    queued('low', -1, 0),
  ];
  pods.sort((a, b) => local?.queueSort?.(a, b) ?? 0);
  assert.deepEqual(
    pods.map(one => one.pod.name),
    ['urgent', 'old', 'new', 'low'],
  );
});
