import { scheduler } from 'kernetes/sdk';
import { type LeastAllocatedConfig, leastAllocated } from './least-allocated.ts';

export default scheduler.score<LeastAllocatedConfig, undefined>({
  name: 'NodeResourcesLeastAllocated',
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
            name: { type: 'string' },
            weight: { type: 'integer', minimum: 1, maximum: 100, default: 1 },
          },
        },
        default: [
          { name: 'cpu', weight: 1 },
          { name: 'memory', weight: 1 },
        ],
      },
    },
  },
  score: ({ pod, node, config }) => leastAllocated(pod, node, config),
});
