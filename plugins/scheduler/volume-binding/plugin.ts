import {
  definePlugin,
  podClaims,
  provideSchedulerPlugin,
  SHAPE_SCHEMA,
  type ShapePoint,
  verdict,
} from 'kernetes/sdk';
import { ClaimBinder } from './claim-binder.ts';
import type { PodVolumes } from './pod-volumes.ts';
import { scoreOf } from './volume-score.ts';
import { VolumeView } from './volume-view.ts';

interface Config {
  readonly bindTimeoutSeconds: number;
  readonly shape?: readonly ShapePoint[];
}

export default definePlugin<Config>({
  name: 'VolumeBinding',
  leader: 'kube-scheduler',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      bindTimeoutSeconds: { type: 'integer', minimum: 0, default: 600 },
      shape: SHAPE_SCHEMA,
    },
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
      preScore: ({ config, state }) =>
        config.shape && state && state.waiting.length > 0 ? undefined : verdict.skip,
      score({ config, state, node }) {
        const plan = state && view.plan(state, node);
        return plan && config.shape && !('code' in plan) ? scoreOf(plan, config.shape) : 0;
      },
      reserve: ({ pod, state, node }) => state && binder.reserve(pod, state, node),
      unreserve: ({ pod }) => binder.unreserve(pod),
      preBind: ({ pod, node, config }) => binder.bind(pod, node, config.bindTimeoutSeconds),
    });
  },
});
