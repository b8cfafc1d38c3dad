import { SCORE_MAX, SCORE_MIN, scheduler, verdict } from 'kernetes/sdk';
import { avoidable, isAvoided } from './avoided.ts';

export default scheduler.score<Record<string, never>, undefined>({
  name: 'NodePreferAvoidPods',
  config: { type: 'object', additionalProperties: false },
  preScore: ({ pod }) => (avoidable(pod) ? undefined : verdict.skip),
  score({ pod, node }) {
    const controller = avoidable(pod);
    return controller && isAvoided(node, controller) ? SCORE_MIN : SCORE_MAX;
  },
});
