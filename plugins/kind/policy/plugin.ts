import { definePlugin, kindPoint } from 'kernetes/sdk';
import { podDisruptionBudgets } from './pod-disruption-budget.ts';

export default definePlugin({
  name: 'kind.policy',
  activate(ctx) {
    ctx.provide(kindPoint, podDisruptionBudgets, podDisruptionBudgets.resource);
  },
});
