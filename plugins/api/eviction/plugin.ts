import {
  builtInSchema,
  definePlugin,
  defineSubresourceHandler,
  type Eviction,
  PodDisruptionBudget,
  subresourcePoint,
} from 'kernetes/sdk';
import { Evictor } from './evictor.ts';

export default definePlugin({
  name: 'api.eviction',
  async activate(ctx) {
    const budgets = ctx.informer(PodDisruptionBudget, { fields: ['spec', 'status'] });
    await budgets.synced;
    const evictor = new Evictor({ budgets, objects: ctx.objects, clock: ctx.clock });
    const body = (version: string) => ({
      group: 'policy',
      version,
      kind: 'Eviction',
      schema: builtInSchema('policy', version, 'Eviction'),
    });
    ctx.provide(
      subresourcePoint,
      defineSubresourceHandler<Eviction>({
        group: '',
        resource: 'pods',
        subresource: 'eviction',
        verbs: ['create'],
        body: body('v1'),
        olderBodies: [body('v1beta1')],
        handle: request => evictor.evict(request),
      }),
    );
  },
});
