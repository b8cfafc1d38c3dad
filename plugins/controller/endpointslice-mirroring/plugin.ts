import { definePlugin, EndpointSlice, Endpoints, runController, Service } from 'kernetes/sdk';
import { Mirror } from './mirror.ts';

export default definePlugin({
  name: 'controller.endpointslice-mirroring',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const mirror = new Mirror(ctx.clock);
    runController(ctx, {
      for: Endpoints,
      owns: [EndpointSlice],
      watches: [
        {
          kind: Service,
          map: ({ metadata: { namespace = '', name = '' } }) => [{ namespace, name }],
        },
      ],
      concurrency: 5,
      intervalMs: 100,
      reconcile: (key, context) => mirror.reconcile(key, context),
    });
  },
});
