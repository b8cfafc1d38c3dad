import { type ConfigOf, definePlugin, kindPoint, openDoor } from 'kernetes/sdk';
import { selfSubjectReviews } from './self-subject-review.ts';
import { tokenReviews } from './token-review.ts';

const CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: {
    apiAudiences: {
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
      default: ['https://kubernetes.default.svc.cluster.local'],
    },
  },
} as const;

export default definePlugin<ConfigOf<typeof CONFIG>>({
  name: 'kind.authentication',
  config: CONFIG,
  activate(ctx) {
    const door = openDoor(ctx, 'There are no authenticators to ask');
    const { apiAudiences } = ctx.config;
    for (const kind of [tokenReviews({ door, apiAudiences }), selfSubjectReviews]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
