import {
  CountChanges,
  definePlugin,
  type JsonSchema,
  type NodeContext,
  type PodInfo,
  provideSchedulerPlugin,
  type SchedulerPlugin,
  verdict,
} from 'kernetes/sdk';
import { type AffinityPlan, AffinityPlans } from './affinity-plans.ts';
import type { AffinityConfig } from './held-terms.ts';
import { NamespaceLabels } from './namespace-labels.ts';
import * as placement from './placement.ts';
import { isConcernedBy, requeueOn } from './requeue.ts';

const CONFIG: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    hardPodAffinityWeight: { type: 'integer', minimum: 0, maximum: 100, default: 1 },
    ignorePreferredTermsOfExistingPods: { type: 'boolean', default: false },
  },
};

export default definePlugin<AffinityConfig>({
  name: 'InterPodAffinity',
  config: CONFIG,
  activate(ctx) {
    const namespaces = new NamespaceLabels(ctx);
    provideSchedulerPlugin<AffinityConfig, AffinityPlan>(ctx, config => create(config, namespaces));
  },
});

type Context = NodeContext<AffinityConfig, AffinityPlan>;

function create(
  config: AffinityConfig,
  namespaces: NamespaceLabels,
): SchedulerPlugin<AffinityConfig, AffinityPlan> {
  let plans = new AffinityPlans(config, namespaces);
  const change = ({ state, pod, node }: Context, other: PodInfo, by: number) => {
    if (!state?.changes) return;
    const terms = plans.avoidingTerms(other, pod);
    placement.changedBy(state, { other, terms, node, by });
  };
  return {
    name: 'InterPodAffinity',
    config: CONFIG,
    readsPods: true,
    requeueOn: requeueOn(() => plans),
    refusals: placement.REFUSALS,
    watch: wake =>
      namespaces.onChange(name => wake(pod => isConcernedBy(name, pod, plans.planOf(pod)))),
    track() {
      plans = new AffinityPlans(config, namespaces);
      const { counts, held } = plans;
      return {
        nodeAdded: node => counts.nodeAdded(node),
        nodeChanged: (node, before) => counts.nodeChanged(node, before),
        nodeRemoved: node => counts.nodeRemoved(node),
        podAdded(pod, node) {
          counts.podAdded(pod, node);
          held.podAdded(pod, node);
        },
        podRemoved(pod, node) {
          counts.podRemoved(pod, node);
          held.podRemoved(pod, node);
        },
      };
    },
    preFilter(context) {
      if (!plans.mayConcern(context.pod)) return verdict.skip;
      const plan = plans.planOf(context.pod);
      context.state = plan;
      if (plan.refusal) return plan.refusal;
      plan.isFirst = placement.mayBeFirst(plan);
      return placement.refusesNothing(plan) ? verdict.skip : undefined;
    },
    addPod: (context, other) => change(context, other, 1),
    removePod: (context, other) => change(context, other, -1),
    cloneState: state => ({
      ...state,
      avoiding: [...state.avoiding],
      changes: new CountChanges(state.changes),
    }),
    filter: ({ state, node }) => state && placement.refusalOf(node, state),
    filterNodes(context) {
      const { state } = context;
      if (!state || state.changes) return false;
      placement.refuseNodes(state, context);
      return true;
    },
    preScore(context) {
      if (!plans.mayConcern(context.pod)) return verdict.skip;
      const plan = plans.planOf(context.pod);
      if (config.ignorePreferredTermsOfExistingPods && !plan.prefers) return verdict.skip;
      context.state = plan;
      return placement.scoresNothing(plan) ? verdict.skip : undefined;
    },
    score: ({ state, node }) => (state ? placement.attraction(node.index, state) : 0),
    scoreNodes(context) {
      if (!context.state) return false;
      placement.attractionOfNodes(context.state, context);
      return true;
    },
    normalize: scores => placement.normalizeAttraction(scores),
  };
}
