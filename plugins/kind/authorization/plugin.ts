import { type Door, definePlugin, doorPoint, kindPoint, serviceUnavailable } from 'kernetes/sdk';
import { accessReviews } from './access-review.ts';
import { rulesReviews } from './rules-review.ts';

export default definePlugin({
  name: 'kind.authorization',
  activate(ctx) {
    const doors = ctx.contributions(doorPoint);
    const door = (): Door => {
      const [found] = doors.list();
      if (found === undefined) throw serviceUnavailable('There are no authorizers to ask');
      return found.value;
    };
    for (const kind of [...accessReviews(door), rulesReviews(door)]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
