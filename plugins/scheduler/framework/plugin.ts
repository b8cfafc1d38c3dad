import {
  type Contributions,
  componentPoint,
  definePlugin,
  type Informer,
  keyOf,
  Node,
  type PluginContext,
  Pod,
  SCHEDULED_PODS,
  type SchedulerContribution,
  schedulerPoint,
  schedulingExplainerPoint,
} from 'kernetes/sdk';
import { Explainer } from './explanation/explainer.ts';
import { PodStatusWriter } from './pod-status.ts';
import { CONFIG_SCHEMA, type FrameworkConfig } from './profile/config.ts';
import { loadSettings, type Settings } from './profile/settings.ts';
import { Scheduler } from './scheduler.ts';
import { SchedulerMetrics } from './scheduler-metrics.ts';

export default definePlugin<FrameworkConfig>({
  name: 'scheduler.framework',
  leader: 'kube-scheduler',
  config: CONFIG_SCHEMA,
  async activate(ctx) {
    // That it answers is the answer: its thread is alive.
    ctx.provide(componentPoint, { check: () => 'ok' }, 'scheduler');
    const sources: Sources = {
      plugins: ctx.contributions(schedulerPoint),
      nodes: ctx.informer(Node, { fields: NODE_FIELDS }),
      pods: ctx.informer(Pod, SCHEDULED_PODS),
      metrics: new SchedulerMetrics(ctx.clock, ctx.metrics),
    };
    const settings = await loadSettings(ctx.config);
    for (const note of settings.notes) ctx.log.info('Scheduler configuration', { note });
    let running: Running | undefined;
    const stop = () => {
      running?.stop();
      running = undefined;
    };
    ctx.provide(schedulingExplainerPoint, new Explainer(() => running?.scheduler), 'scheduler');
    ctx.onDispose(stop);
    ctx.leadership.follow({
      begin: () => {
        running = schedule(ctx, sources, settings);
      },
      end: stop,
    });
  },
});

interface Sources {
  readonly plugins: Contributions<SchedulerContribution>;
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
  readonly metrics: SchedulerMetrics;
}

/** A scheduler, from what there is now, until it is stopped. */
function schedule(
  ctx: PluginContext<FrameworkConfig>,
  sources: Sources,
  settings: Settings,
): Running {
  const { clock, log, objects, events, random } = ctx;
  const { plugins, nodes, pods, metrics } = sources;
  const scheduler = new Scheduler({
    ...{ ...settings, clock, random, log, events, metrics },
    status: new PodStatusWriter({ objects, clock, log }),
  });
  const setPlugins = () => scheduler.setPlugins(plugins.list());
  setPlugins();
  const disposers = [
    plugins.onChange(setPlugins),
    nodes.on({
      added: node => scheduler.setNode(node),
      updated: node => scheduler.setNode(node),
      deleted: node => scheduler.removeNode(keyOf(node)),
    }),
    pods.on({
      added: pod => scheduler.setPod(pod),
      updated: pod => scheduler.setPod(pod),
      deleted: pod => scheduler.removePod(pod),
    }),
  ];
  let isStopped = false;
  // Not awaited: activation has a deadline, the first list of a large cluster has none.
  void Promise.all([nodes.synced, pods.synced]).then(() => {
    if (!isStopped) scheduler.start();
  });
  const stop = () => {
    isStopped = true;
    for (const dispose of disposers) void dispose();
    scheduler.stop();
  };
  return { scheduler, stop };
}

interface Running {
  readonly scheduler: Scheduler;
  stop(): void;
}

const NODE_FIELDS = [
  'spec',
  'status.allocatable',
  'status.capacity',
  'status.images',
  'status.conditions',
];
