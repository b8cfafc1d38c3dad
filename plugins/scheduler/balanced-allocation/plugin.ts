import { scheduler, verdict } from 'kernetes/sdk';
import { asksFor, type BalanceConfig, balance, balanceNodes } from './balance.ts';

export default scheduler.score<BalanceConfig, undefined>({
  name: 'NodeResourcesBalancedAllocation',
  cacheable: true,
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      resources: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: { type: 'string', minLength: 1 },
            // Upstream's format has the field; balance knows no weights.
            weight: { const: 1, default: 1 },
          },
        },
        default: [
          { name: 'cpu', weight: 1 },
          { name: 'memory', weight: 1 },
        ],
      },
    },
  },
  // Pods that ask for nothing would else all go to the node that happens to be balanced.
  preScore: ({ pod, config }) => (asksFor(pod, config) ? undefined : verdict.skip),
  score: ({ pod, node, config }) => balance(pod, node, config),
  scoreNodes: balanceNodes,
});
