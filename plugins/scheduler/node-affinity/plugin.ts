import { normalizeToMax, scheduler, verdict } from 'kernetes/sdk';
import {
  type AffinityConfig,
  type AffinityState,
  namedNodes,
  preferenceScore,
  preferredState,
  refusalOf,
  requiredState,
} from './affinity.ts';

export default scheduler.plugin<AffinityConfig, AffinityState>({
  name: 'NodeAffinity',
  cacheable: true,
  requeueOn: ['NodeAdd', 'NodeLabel'],
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { addedAffinity: { type: 'object' } },
  },
  preFilter(context) {
    context.state = requiredState(context.pod, context.config);
    if (!context.state) return verdict.skip;
    const names = namedNodes(context.pod);
    return names && verdict.only(names);
  },
  filter: ({ node, state }) => state && refusalOf(node, state),
  preScore(context) {
    context.state = preferredState(context.pod, context.config);
    return context.state ? undefined : verdict.skip;
  },
  score: ({ node, state }) => (state ? preferenceScore(node, state) : 0),
  normalize: scores => normalizeToMax(scores),
});
