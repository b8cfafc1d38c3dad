import { definePlugin, Pod, provideSchedulerPlugin, SCHEDULED_PODS, verdict } from 'kernetes/sdk';
import { Budgets } from './budgets.ts';
import { Evictions } from './evictions.ts';
import { Preemption, type PreemptionConfig } from './preemption.ts';
import { Priorities } from './priorities.ts';

const NO_CANDIDATES = {
  minCandidateNodesPercentage: { const: 0 },
  minCandidateNodesAbsolute: { const: 0 },
};

export default definePlugin<PreemptionConfig>({
  name: 'DefaultPreemption',
  leader: 'kube-scheduler',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      minCandidateNodesPercentage: { type: 'integer', minimum: 0, maximum: 100, default: 10 },
      minCandidateNodesAbsolute: { type: 'integer', minimum: 0, default: 100 },
    },
    not: { properties: NO_CANDIDATES, required: Object.keys(NO_CANDIDATES) },
  },
  activate(ctx) {
    const pods = ctx.informer(Pod, SCHEDULED_PODS);
    const budgets = new Budgets(ctx);
    const evictions = new Evictions(ctx, pods);
    provideSchedulerPlugin<PreemptionConfig, unknown>(ctx, () => {
      const priorities = new Priorities();
      const preemption = new Preemption({
        ...{ budgets, evictions, priorities, pods },
        ...{ clock: ctx.clock, random: ctx.random },
      });
      return {
        name: 'DefaultPreemption',
        // Who is kept out while room is made is let in by `watch`; others wait for other plugins.
        requeueOn: [],
        watch: wake => evictions.onSettled(wake),
        track: () => priorities.cleared(),
        preEnqueue: ({ pod }) => (evictions.isRunningFor(pod) ? ROOM_IS_MADE : undefined),
        postFilter: context => preemption.makeRoom(context),
      };
    });
  },
});

const ROOM_IS_MADE = verdict.unresolvable('waiting for the preemption for this pod to be finished');
