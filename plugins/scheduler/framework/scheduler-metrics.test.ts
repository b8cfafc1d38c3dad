import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Labels, Metrics, SchedulerPlugin } from 'kernetes/sdk';
import { verdict } from 'kernetes/sdk';
import { fakeClock, node, pod } from 'kernetes/sdk/testing';
import { SchedulerMetrics } from './scheduler-metrics.ts';
import { bareScheduler, local } from './test-setup.ts';

function recorded() {
  const values = new Map<string, number>();
  const at = (name: string, labels: Labels = {}) =>
    [name, ...Object.values(labels)].filter(Boolean).join(' ');
  const add = (name: string) => ({
    add: (value = 1, labels?: Labels) => {
      values.set(at(name, labels), (values.get(at(name, labels)) ?? 0) + value);
    },
  });
  const set = (name: string) => ({
    set: (value: number, labels?: Labels) => void values.set(at(name, labels), value),
    observe: (value: number, labels?: Labels) => void values.set(at(name, labels), value),
  });
  const metrics: Metrics = { counter: add, gauge: set, histogram: set };
  return { values, metrics };
}

test('attempts, their time and what waits where are told', async () => {
  const { values, metrics } = recorded();
  const clock = fakeClock();
  const plugin: SchedulerPlugin = {
    name: 'Mixed',
    preEnqueue: ({ pod: { name } }) => (name === 'gated' ? verdict.unschedulable('x') : undefined),
    filter({ pod: { name } }) {
      if (name === 'broken') throw new Error('broken');
      return name === 'refused' ? verdict.unschedulable('no') : undefined;
    },
    postFilter: async () => undefined,
    preBind: () => new Promise(resolve => void clock.setTimeout(() => resolve(undefined), 250)),
  };
  const scheduler = bareScheduler([local(plugin)], {
    ...{ clock, nodes: [node('n')], placed: new Map() },
    metrics: new SchedulerMetrics(clock, metrics),
  });
  for (const name of ['fine', 'gated', 'broken', 'refused']) {
    scheduler.setPod(pod(name, { metadata: { uid: name } }));
  }
  await clock.step(1_500);
  const profile = 'default-scheduler';
  assert.deepEqual(Object.fromEntries(values), {
    [`schedule_attempts_total scheduled ${profile}`]: 1,
    [`schedule_attempts_total unschedulable ${profile}`]: 1,
    [`schedule_attempts_total error ${profile}`]: 2,
    [`scheduling_attempt_duration_seconds scheduled ${profile}`]: 0.25,
    [`scheduling_attempt_duration_seconds unschedulable ${profile}`]: 0,
    [`scheduling_attempt_duration_seconds error ${profile}`]: 0,
    preemption_attempts_total: 1,
    'pending_pods active': 0,
    'pending_pods backoff': 1,
    'pending_pods unschedulable': 1,
    'pending_pods gated': 1,
  });
  scheduler.stop();
  assert.equal(values.get('pending_pods gated'), 0);
});
