import { definePlugin, provideSchedulerPlugin, Service, verdict } from 'kernetes/sdk';
import { type AffinityConfig, type AffinityState, ServiceAffinity } from './service-affinity.ts';

const keys = { type: 'array', items: { type: 'string' }, default: [] };
const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: { affinityLabels: keys, antiAffinityLabelsPreference: keys },
};

export default definePlugin<AffinityConfig>({
  name: 'ServiceAffinity',
  config: SCHEMA,
  activate(ctx) {
    const services = ctx.informer(Service, { fields: ['spec.selector'] });
    provideSchedulerPlugin<AffinityConfig, AffinityState>(ctx, () => {
      let affinity = new ServiceAffinity(services);
      return {
        name: 'ServiceAffinity',
        config: SCHEMA,
        readsPods: true,
        requeueOn: ['NodeAdd', 'NodeLabel', 'PodAdd', 'PodUpdate', 'PodDelete'],
        watch: wake =>
          services.on({ added: () => wake(), updated: () => wake(), deleted: () => wake() }),
        track() {
          affinity = new ServiceAffinity(services);
          return affinity.counts;
        },
        preFilter(context) {
          if (context.config.affinityLabels.length === 0) return verdict.skip;
          context.state = affinity.begin(context);
          return undefined;
        },
        cloneState: state => ({ ...state, changes: new Map(state.changes) }),
        addPod: (context, other) => affinity.change(context, other, 1),
        removePod: (context, other) => affinity.change(context, other, -1),
        filter: context => affinity.refusalOf(context),
        preScore(context) {
          if (context.config.antiAffinityLabelsPreference.length === 0) return verdict.skip;
          const { state } = context;
          const before = state ?? affinity.begin(context);
          context.state = affinity.beginScores(context, before);
          return undefined;
        },
        score: ({ node, state }) => state?.together?.on(node.index) ?? 0,
        normalize(scores, { state, config }) {
          if (state) affinity.normalize(scores, state, config);
        },
      };
    });
  },
});
