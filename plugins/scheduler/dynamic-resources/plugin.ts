import { definePlugin, provideSchedulerPlugin, verdict } from 'kernetes/sdk';
import { ClaimBinder } from './claim-binder.ts';
import { ClaimView } from './claim-view.ts';
import type { PodDevices } from './pod-devices.ts';

export default definePlugin({
  name: 'DynamicResources',
  leader: 'kube-scheduler',
  activate(ctx) {
    const view = new ClaimView(ctx);
    const binder = new ClaimBinder(ctx, view);
    provideSchedulerPlugin<unknown, PodDevices>(ctx, {
      name: 'DynamicResources',
      skipsLate: true,
      requeueOn: ['NodeAdd', 'NodeLabel'],
      watch: wake => view.onChange(wake),
      preEnqueue({ pod }) {
        if (!pod.spec.resourceClaims?.length) return undefined;
        const claims = view.claimsOf(pod);
        return 'code' in claims ? claims : undefined;
      },
      preFilter(context) {
        if (!context.pod.spec.resourceClaims?.length) return verdict.skip;
        const devices = view.devicesOf(context.pod);
        if ('code' in devices) return devices;
        context.state = devices;
        return undefined;
      },
      filter: ({ state, node }) => state?.filter(node),
      postFilter: ({ pod, state }) => binder.makeRoom(pod, state),
      reserve: ({ pod, state, node }) => state && binder.reserve(pod, state, node),
      unreserve: ({ pod }) => binder.unreserve(pod),
      preBind: ({ pod, state }) => state && binder.bind(pod, state),
      postBind: ({ pod }) => binder.settle(pod),
    });
  },
});
