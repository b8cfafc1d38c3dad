import { definePlugin, provideKinds, RELEASE_CONFIG, type ReleaseConfig } from 'kernetes/sdk';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts';

export default definePlugin<ReleaseConfig>({
  name: 'kind.autoscaling',
  config: RELEASE_CONFIG,
  activate(ctx) {
    provideKinds(ctx, [horizontalPodAutoscalers]);
  },
});
