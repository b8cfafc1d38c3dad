import {
  CountChanges,
  definePlugin,
  provideSchedulerPlugin,
  type SchedulerPlugin,
  SpreadSelectors,
  verdict,
} from 'kernetes/sdk';
import { CONFIG } from './config.ts';
import type { SpreadConfig } from './constraints.ts';
import { changedBy, REFUSALS, refuseUnevenNodes, unevenness } from './hard-spread.ts';
import { requeueOn } from './requeue.ts';
import { crowding, crowdingOfNodes, normalizeCrowding, weigh } from './soft-spread.ts';
import { type SpreadPlan, SpreadPlans } from './spread-plans.ts';

export default definePlugin<SpreadConfig>({
  name: 'PodTopologySpread',
  config: CONFIG,
  activate(ctx) {
    const selectors = new SpreadSelectors(ctx);
    provideSchedulerPlugin<SpreadConfig, SpreadPlan>(ctx, config => create(config, selectors));
  },
});

function create(
  config: SpreadConfig,
  selectors: SpreadSelectors,
): SchedulerPlugin<SpreadConfig, SpreadPlan> {
  let plans = new SpreadPlans(config, selectors);
  let wake = () => {};
  return {
    name: 'PodTopologySpread',
    config: CONFIG,
    readsPods: true,
    requeueOn: requeueOn(pod => plans.planOf(pod)),
    refusals: REFUSALS,
    watch(wakeRefused) {
      wake = wakeRefused;
      return () => {
        wake = () => {};
      };
    },
    track() {
      plans = new SpreadPlans(config, selectors);
      const { counts } = plans;
      return {
        nodeAdded: node => counts.nodeAdded(node),
        nodeChanged: (node, before) => counts.nodeChanged(node, before),
        nodeRemoved(node) {
          counts.nodeRemoved(node);
          // The domain with the fewest pods may have been its own.
          wake();
        },
        podAdded: (pod, node) => counts.podAdded(pod, node),
        podRemoved: (pod, node) => counts.podRemoved(pod, node),
      };
    },
    preFilter(context) {
      if (!plans.mayHave(context.pod, 'DoNotSchedule')) return verdict.skip;
      const plan = plans.planOf(context.pod);
      context.state = plan;
      return plan.refusal ?? (plan.hard.length === 0 ? verdict.skip : undefined);
    },
    addPod({ state, pod, node }, other) {
      if (state?.changes) changedBy(state.changes, state.hard, { pod, other, node, by: 1 });
    },
    removePod({ state, pod, node }, other) {
      if (state?.changes) changedBy(state.changes, state.hard, { pod, other, node, by: -1 });
    },
    cloneState: state => ({ ...state, changes: new CountChanges(state.changes) }),
    filter: ({ state, node }) => state && unevenness(node, state.hard, state.changes),
    filterNodes(context) {
      const { state } = context;
      if (!state || state.changes) return false;
      refuseUnevenNodes(state.hard, context);
      return true;
    },
    preScore(context) {
      if (!plans.mayHave(context.pod, 'ScheduleAnyway')) return verdict.skip;
      const plan = plans.planOf(context.pod);
      if (plan.soft.constraints.length === 0) return verdict.skip;
      context.state = plan;
      weigh(plan.soft, context.feasible);
      return undefined;
    },
    score: ({ state, node }) => (state ? crowding(node.index, state.soft) : 0),
    scoreNodes(context) {
      if (!context.state) return false;
      crowdingOfNodes(context.state.soft, context);
      return true;
    },
    normalize: scores => normalizeCrowding(scores),
  };
}
