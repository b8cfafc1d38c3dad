import { type ClusterChange, normalizeToMax, scheduler, verdict } from 'kernetes/sdk';
import {
  type AffinityConfig,
  type AffinityState,
  addedAffinityOf,
  CONFLICT,
  namedNodes,
  preferenceScore,
  preferredState,
  refusalOf,
  requiredState,
} from './affinity.ts';

export default scheduler.stateful<AffinityConfig, AffinityState>({
  name: 'NodeAffinity',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { addedAffinity: { type: 'object' } },
  },
  create(config) {
    const added = addedAffinityOf(config);
    const fits = ({ pod, node }: ClusterChange) => {
      const state = node && requiredState(pod, added);
      return !state || refusalOf(node, state) === undefined;
    };
    return {
      cacheable: true,
      requeueOn: [
        { on: 'NodeAdd', fits },
        { on: 'NodeLabel', fits },
      ],
      preFilter(context) {
        context.state = requiredState(context.pod, added);
        if (!context.state) return verdict.skip;
        const names = namedNodes(context.pod);
        if (names?.length === 0) return CONFLICT;
        return names && verdict.only(names);
      },
      filter: ({ node, state }) => state && refusalOf(node, state),
      preScore(context) {
        context.state = preferredState(context.pod, added);
        return context.state ? undefined : verdict.skip;
      },
      score: ({ node, state }) => (state ? preferenceScore(node, state) : 0),
      normalize: scores => normalizeToMax(scores),
    };
  },
});
