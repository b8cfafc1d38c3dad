import { definePlugin, kindPoint } from 'kernetes/sdk';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts';

export default definePlugin({
  name: 'kind.autoscaling',
  activate(ctx) {
    ctx.provide(kindPoint, horizontalPodAutoscalers, horizontalPodAutoscalers.resource);
  },
});
