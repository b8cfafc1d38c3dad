import {
  builtInSchema,
  definePlugin,
  defineSubresourceHandler,
  type Eviction,
  isInRelease,
  RELEASE_CONFIG,
  type ReleaseConfig,
  subresourcePoint,
} from 'kernetes/sdk';
import { Evictor } from './evictor.ts';

export default definePlugin<ReleaseConfig>({
  name: 'api.eviction',
  config: RELEASE_CONFIG,
  activate(ctx) {
    const announces = isInRelease(ANNOUNCED, ctx.config.release);
    const evictor = new Evictor({ objects: ctx.objects, clock: ctx.clock, announces });
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
        ...(isInRelease(V1, ctx.config.release)
          ? { body: body('v1'), olderBodies: [body('v1beta1')] }
          : { body: body('v1beta1') }),
        handle: request => evictor.evict(request),
      }),
    );
  },
});

/** The releases that take an eviction of policy/v1. */
const V1 = { since: 22 };

/** The releases that tell a pod of its eviction. */
const ANNOUNCED = { since: 26 };
