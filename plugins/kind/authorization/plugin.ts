import { definePlugin, kindPoint, openDoor } from 'kernetes/sdk';
import { accessReviews } from './access-review.ts';
import { rulesReviews } from './rules-review.ts';

export default definePlugin({
  name: 'kind.authorization',
  activate(ctx) {
    const door = openDoor(ctx, 'There are no authorizers to ask');
    for (const kind of [...accessReviews(door), rulesReviews(door)]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
