import { componentPoint, definePlugin, keyOf, Node, Pod, schedulerPoint } from 'kernetes/sdk';
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
  standby: 'absent',
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
          },
        },
        default: [
          { name: 'PrioritySort' },
          { name: 'NodeUnschedulable' },
          { name: 'NodeName' },
          { name: 'TaintToleration', weight: 3 },
          { name: 'NodeAffinity', weight: 2 },
          { name: 'NodeResourcesFit' },
          { name: 'VolumeBinding' },
          { name: 'NodeResourcesLeastAllocated', weight: 1 },
          { name: 'DefaultBinder' },
        ],
      },
    },
  },
  activate(ctx) {
    const { config, clock, log, objects } = ctx;
    const attempts = ctx.metrics.counter('schedule_attempts_total', 'Attempts to place a pod');
    const scheduler = new Scheduler({
      ...config,
      clock,
      random: ctx.random,
      log,
      events: ctx.events,
      status: new PodStatusWriter({ objects, clock, log }),
      onAttempt: result => attempts.add(1, { result }),
    });
    ctx.onDispose(() => scheduler.stop());
    // That it answers is the answer: its thread is alive.
    ctx.provide(componentPoint, { check: () => 'ok' }, 'scheduler');

    const contributions = ctx.contributions(schedulerPoint);
    scheduler.setPlugins(contributions.list());
    ctx.onDispose(contributions.onChange(() => scheduler.setPlugins(contributions.list())));

    const nodes = ctx.informer(Node, { fields: NODE_FIELDS });
    nodes.on({
      added: node => scheduler.setNode(node),
      updated: node => scheduler.setNode(node),
      deleted: node => scheduler.removeNode(keyOf(node)),
    });
    const pods = ctx.informer(Pod, { fieldSelector: UNFINISHED, fields: POD_FIELDS });
    pods.on({
      added: pod => scheduler.setPod(pod),
      updated: pod => scheduler.setPod(pod),
      deleted: pod => scheduler.removePod(pod),
    });
    // Not awaited: activation has a deadline, the first list of a large cluster has none.
    void Promise.all([nodes.synced, pods.synced]).then(() => {
      if (!ctx.signal.aborted) scheduler.start();
    });
  },
});

/** Pods that are done take nothing. */
const UNFINISHED = 'status.phase!=Succeeded,status.phase!=Failed';
/** The whole spec: a scheduler plugin may look at any part of it. */
const POD_FIELDS = ['spec', 'status.conditions'];
const NODE_FIELDS = ['spec', 'status.allocatable', 'status.capacity', 'status.images'];
