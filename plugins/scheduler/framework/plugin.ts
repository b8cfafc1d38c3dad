import {
  type Contributions,
  type Counter,
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
} from 'kernetes/sdk';
import { PodStatusWriter } from './pod-status.ts';
import type { PluginSetting } from './profile.ts';
import { Scheduler } from './scheduler.ts';

interface FrameworkConfig {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  readonly plugins: readonly PluginSetting[];
}

export default definePlugin<FrameworkConfig>({
  name: 'scheduler.framework',
  leader: 'kube-scheduler',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      schedulerName: { type: 'string', default: 'default-scheduler' },
      percentageOfNodesToScore: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
      plugins: {
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: { type: 'string' },
            weight: { type: 'integer', minimum: 1, maximum: 100 },
            disabled: { type: 'boolean' },
            optional: { type: 'boolean' },
          },
        },
        default: [
          { name: 'SchedulingGates', optional: true },
          { name: 'PrioritySort' },
          { name: 'NodeUnschedulable' },
          { name: 'NodeName' },
          { name: 'TaintToleration', weight: 3 },
          { name: 'NodeAffinity', weight: 2 },
          // Profiles from before there were these do without.
          { name: 'NodePorts', optional: true },
          { name: 'NodeResourcesFit' },
          { name: 'VolumeRestrictions', optional: true },
          { name: 'NodeVolumeLimits', optional: true },
          { name: 'VolumeBinding', optional: true },
          { name: 'VolumeZone', optional: true },
          { name: 'NodeResourcesBalancedAllocation', weight: 1, optional: true },
          { name: 'ImageLocality', weight: 1, optional: true },
          { name: 'DefaultBinder' },
          // Only old configurations ask for them.
          { name: 'NodeConditions', disabled: true },
          { name: 'NodeLabel', disabled: true },
          { name: 'NodePreferAvoidPods', disabled: true },
        ],
      },
    },
  },
  activate(ctx) {
    // That it answers is the answer: its thread is alive.
    ctx.provide(componentPoint, { check: () => 'ok' }, 'scheduler');
    const sources: Sources = {
      plugins: ctx.contributions(schedulerPoint),
      nodes: ctx.informer(Node, { fields: NODE_FIELDS }),
      pods: ctx.informer(Pod, SCHEDULED_PODS),
      attempts: ctx.metrics.counter('schedule_attempts_total', 'Attempts to place a pod'),
    };
    let stop = () => {};
    ctx.onDispose(() => stop());
    ctx.leadership.follow({
      begin: () => {
        stop = schedule(ctx, sources);
      },
      end: () => stop(),
    });
  },
});

interface Sources {
  readonly plugins: Contributions<SchedulerContribution>;
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
  readonly attempts: Counter;
}

/** A scheduler, from what there is now, until what this returns is called. */
function schedule(ctx: PluginContext<FrameworkConfig>, sources: Sources): () => void {
  const { config, clock, log, objects, events, random } = ctx;
  const { plugins, nodes, pods, attempts } = sources;
  const scheduler = new Scheduler({
    ...{ ...config, clock, random, log, events },
    status: new PodStatusWriter({ objects, clock, log }),
    onAttempt: result => attempts.add(1, { result }),
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
  return () => {
    isStopped = true;
    for (const dispose of disposers) void dispose();
    scheduler.stop();
  };
}

const NODE_FIELDS = [
  'spec',
  'status.allocatable',
  'status.capacity',
  'status.images',
  'status.conditions',
];
