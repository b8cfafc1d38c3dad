import { definePlugin, podClaims, provideSchedulerPlugin, verdict } from 'kernetes/sdk';
import { ClaimBinder } from './claim-binder.ts';
import type { PodVolumes } from './pod-volumes.ts';
import { VolumeView } from './volume-view.ts';

interface Config {
  readonly bindTimeoutSeconds: number;
}

export default definePlugin<Config>({
  name: 'VolumeBinding',
  leader: 'kube-scheduler',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { bindTimeoutSeconds: { type: 'integer', minimum: 0, default: 600 } },
  },
  activate(ctx) {
    const view = new VolumeView(ctx);
    const binder = new ClaimBinder(ctx, view);
    provideSchedulerPlugin<Config, PodVolumes>(ctx, {
      name: 'VolumeBinding',
      skipsLate: true,
      requeueOn: ['NodeAdd', 'NodeLabel'],
      watch: wake => view.onChange(wake),
      preFilter(context) {
        const names = podClaims(context.pod);
        if (names.length === 0) return verdict.skip;
        const volumes = view.volumesOf(context.pod, names);
        if ('code' in volumes) return volumes;
        context.state = volumes;
        return undefined;
      },
      filter({ state, node }) {
        const plan = state && view.plan(state, node);
        return plan && 'code' in plan ? plan : undefined;
      },
      reserve: ({ pod, state, node }) => state && binder.reserve(pod, state, node),
      unreserve: ({ pod }) => binder.unreserve(pod),
      preBind: ({ pod, node }) => binder.bind(pod, node),
    });
  },
});
