import { definePlugin, kindPoint } from 'kernetes/sdk';
import { podDisruptionBudgets } from './pod-disruption-budget.ts';
import { podSecurityPolicies } from './pod-security-policy.ts';

export default definePlugin({
  name: 'kind.policy',
  activate(ctx) {
    for (const kind of [podDisruptionBudgets, podSecurityPolicies]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
