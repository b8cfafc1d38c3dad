import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Contribution,
  createSchedulerContribution,
  type PluginContext,
  type PluginDefinition,
  type SchedulerContribution,
  type SchedulerPlugin,
} from 'kernetes/sdk';
import { node, pod, seededRandom } from 'kernetes/sdk/testing';
import { systemClock } from '../../kernel/clock.ts';
import { Scheduler } from '../../plugins/scheduler/framework/scheduler.ts';
import leastAllocated from '../../plugins/scheduler/least-allocated/plugin.ts';
import nodeAffinity from '../../plugins/scheduler/node-affinity/plugin.ts';
import nodeName from '../../plugins/scheduler/node-name/plugin.ts';
import nodeResourcesFit from '../../plugins/scheduler/node-resources-fit/plugin.ts';
import nodeUnschedulable from '../../plugins/scheduler/node-unschedulable/plugin.ts';
import prioritySort from '../../plugins/scheduler/priority-sort/plugin.ts';
import taintToleration from '../../plugins/scheduler/taint-toleration/plugin.ts';

/**
 * The scheduler alone: queue, cycle, cache and binding cycle with a binder that agrees at once.
 * NODES, PODS and SHAPES (how many different kinds of pods; 0: all unlike) choose the size; small
 * by default, so that it runs as a test. Prints one JSON line.
 */
const NODES = Number(process.env.NODES ?? 100);
const PODS = Number(process.env.PODS ?? 500);
const SHAPES = Number(process.env.SHAPES ?? 1);

test(`scheduler alone places ${PODS} pods on ${NODES} nodes`, async () => {
  const clock = systemClock();
  let bound = 0;
  let finished: () => void;
  const done = new Promise<void>(resolve => {
    finished = resolve;
  });
  const binder: SchedulerPlugin = {
    name: 'DefaultBinder',
    bind: async bindings => {
      bound += bindings.length;
      if (bound === PODS) finished();
      return bindings.map(() => undefined);
    },
  };
  const scheduler = new Scheduler({
    clock,
    random: seededRandom(1),
    log: { debug() {}, info() {}, warn: console.warn, error: console.error },
    events: { event() {} },
    status: { tell() {}, forget() {}, observe() {} },
    schedulerName: 'default-scheduler',
    plugins: [
      { name: 'PrioritySort' },
      { name: 'NodeUnschedulable' },
      { name: 'NodeName' },
      { name: 'TaintToleration', weight: 3 },
      { name: 'NodeAffinity', weight: 2 },
      { name: 'NodeResourcesFit' },
      { name: 'NodeResourcesLeastAllocated' },
      { name: 'DefaultBinder' },
    ],
  });
  scheduler.setPlugins([
    ...[
      contributionOf(prioritySort),
      contributionOf(nodeUnschedulable),
      contributionOf(nodeName),
      contributionOf(taintToleration),
      contributionOf(nodeAffinity),
      contributionOf(nodeResourcesFit, { ignoredResources: [], ignoredResourceGroups: [] }),
      contributionOf(leastAllocated, {
        resources: [
          { name: 'cpu', weight: 1 },
          { name: 'memory', weight: 1 },
        ],
      }),
    ],
    local(createSchedulerContribution(binder, {})),
  ]);
  for (let i = 0; i < NODES; i++) {
    const labels = { 'topology.kubernetes.io/zone': `zone-${i % 3}` };
    scheduler.setNode(node(`node-${i}`, { metadata: { labels } }));
  }
  for (let i = 0; i < PODS; i++) {
    const metadata = { uid: `uid-${i}`, labels: { app: `app-${SHAPES ? i % SHAPES : i}` } };
    const requests = { cpu: '10m', memory: '10Mi' };
    const containers = [{ name: 'main', image: 'nginx', resources: { requests } }];
    scheduler.setPod(pod(`pod-${i}`, { metadata, spec: { containers } }));
  }
  const start = clock.monotonic();
  scheduler.start();
  await done;
  const seconds = (clock.monotonic() - start) / 1000;
  scheduler.stop();
  assert.equal(scheduler.cache.podCount, PODS);
  console.log(
    JSON.stringify({
      bench: 'scheduler-alone',
      nodes: NODES,
      pods: PODS,
      shapes: SHAPES,
      podsPerSecond: Math.round(PODS / seconds),
    }),
  );
});

/** What a plugin's entry module provides. */
function contributionOf<C>(
  definition: PluginDefinition<C>,
  config = {} as C,
): Contribution<SchedulerContribution> {
  let value: SchedulerContribution | undefined;
  const provide: PluginContext<C>['provide'] = (_point, provided) => {
    value = provided as SchedulerContribution;
  };
  void definition.activate({ config, provide } as PluginContext<C>);
  assert.ok(value);
  return local(value);
}

function local(value: SchedulerContribution): Contribution<SchedulerContribution> {
  return { name: value.name, plugin: value.name, value, remote: false };
}
