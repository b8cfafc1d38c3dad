import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import {
  type Contribution,
  createSchedulerContribution,
  type EvaluateResult,
  type SchedulerContribution,
  type SchedulerPlugin,
  schedulerPoint,
} from 'kernetes/sdk';
import { activate, node, pod, schedulerContributionOf, seededRandom } from 'kernetes/sdk/testing';
import { systemClock } from '../../kernel/clock.ts';
import balancedAllocation from '../../plugins/scheduler/balanced-allocation/plugin.ts';
import { Scheduler } from '../../plugins/scheduler/framework/scheduler.ts';
import imageLocality from '../../plugins/scheduler/image-locality/plugin.ts';
import nodeAffinity from '../../plugins/scheduler/node-affinity/plugin.ts';
import nodeName from '../../plugins/scheduler/node-name/plugin.ts';
import nodePorts from '../../plugins/scheduler/node-ports/plugin.ts';
import nodeResourcesFit from '../../plugins/scheduler/node-resources-fit/plugin.ts';
import nodeUnschedulable from '../../plugins/scheduler/node-unschedulable/plugin.ts';
import prioritySort from '../../plugins/scheduler/priority-sort/plugin.ts';
import schedulingGates from '../../plugins/scheduler/scheduling-gates/plugin.ts';
import taintToleration from '../../plugins/scheduler/taint-toleration/plugin.ts';
import volumeBinding from '../../plugins/scheduler/volume-binding/plugin.ts';
import { BY_RACK } from './by-rack.ts';

/**
 * The scheduler alone: queue, cycle, cache and binding cycle with a binder that agrees at once.
 * NODES, PODS and SHAPES (how many different kinds of pods; 0: all unlike) choose the size; small
 * by default, so that it runs as a test. BY_RACK adds a score plugin: none, inline or worker. Prints
 * one JSON line.
 */
const NODES = Number(process.env.NODES ?? 100);
const PODS = Number(process.env.PODS ?? 500);
const SHAPES = Number(process.env.SHAPES ?? 1);
const BY_RACK_PLACE = process.env.BY_RACK ?? 'none';

test(`scheduler alone places ${PODS} pods on ${NODES} nodes`, async () => {
  const clock = systemClock();
  const rack = byRack();
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
      { name: 'SchedulingGates' },
      { name: 'PrioritySort' },
      { name: 'NodeUnschedulable' },
      { name: 'NodeName' },
      { name: 'TaintToleration', weight: 3 },
      { name: 'NodeAffinity', weight: 2 },
      { name: 'NodePorts' },
      { name: 'NodeResourcesFit' },
      { name: 'VolumeBinding' },
      { name: 'NodeResourcesBalancedAllocation' },
      { name: 'ImageLocality' },
      { name: 'DefaultBinder' },
    ],
  });
  const volumes = await activate(volumeBinding, { config: { bindTimeoutSeconds: 600 } });
  scheduler.setPlugins([
    ...rack.contributions,
    ...volumes.context.contributions(schedulerPoint).list(),
    local(schedulerContributionOf(prioritySort)),
    local(schedulerContributionOf(nodeUnschedulable)),
    local(schedulerContributionOf(nodeName)),
    local(schedulerContributionOf(taintToleration)),
    local(schedulerContributionOf(nodeAffinity)),
    local(schedulerContributionOf(nodeResourcesFit)),
    local(schedulerContributionOf(schedulingGates)),
    local(schedulerContributionOf(nodePorts)),
    local(schedulerContributionOf(balancedAllocation)),
    local(schedulerContributionOf(imageLocality)),
    local(createSchedulerContribution(binder, {})),
  ]);
  for (let i = 0; i < NODES; i++) {
    const labels = { 'topology.kubernetes.io/zone': `zone-${i % 3}`, rack: `rack-${i % 40}` };
    scheduler.setNode(node(`node-${i}`, { metadata: { labels } }));
  }
  for (let i = 0; i < PODS; i++) {
    const metadata = {
      uid: `uid-${i}`,
      labels: { app: `app-${SHAPES ? i % SHAPES : i}`, rack: `rack-${i % 40}` },
    };
    const requests = { cpu: '10m', memory: '10Mi' };
    const containers = [{ name: 'main', image: 'nginx', resources: { requests } }];
    scheduler.setPod(pod(`pod-${i}`, { metadata, spec: { containers } }));
  }
  const start = clock.monotonic();
  scheduler.start();
  await done;
  const seconds = (clock.monotonic() - start) / 1000;
  scheduler.stop();
  await rack.end();
  await volumes.dispose();
  assert.equal(scheduler.cache.podCount, PODS);
  console.log(
    JSON.stringify({
      bench: 'scheduler-alone',
      nodes: NODES,
      pods: PODS,
      shapes: SHAPES,
      byRack: BY_RACK_PLACE,
      podsPerSecond: Math.round(PODS / seconds),
    }),
  );
});

/** The design's score plugin: not there, beside the scheduler, or in a worker of its own. */
function byRack(): {
  readonly contributions: Contribution<SchedulerContribution>[];
  end(): Promise<unknown>;
} {
  const end = async () => {};
  if (BY_RACK_PLACE === 'none') return { contributions: [], end };
  const value = createSchedulerContribution(BY_RACK, { label: 'rack' });
  if (BY_RACK_PLACE === 'inline') return { contributions: [local(value)], end };
  const worker = new Worker(bundled('./scheduler-worker.ts'), { eval: true });
  const waiting = new Map<number, (result: EvaluateResult) => void>();
  let last = 0;
  worker.on('message', ({ id, result }) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  const remote: SchedulerContribution = {
    ...value,
    evaluate: batch =>
      new Promise(resolve => {
        waiting.set(++last, resolve);
        worker.postMessage({ id: last, batch });
      }),
    invoke: async () => [],
  };
  return { contributions: [{ ...local(remote), remote: true }], end: () => worker.terminate() };
}

/** A worker cannot start a TypeScript file. */
function bundled(entry: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

function local(value: SchedulerContribution): Contribution<SchedulerContribution> {
  return { name: value.name, plugin: value.name, value, remote: false };
}
