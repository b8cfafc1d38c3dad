import { SHAPE_SCHEMA, scheduler } from 'kernetes/sdk';
import { type FitConfig, mayFit, REFUSALS, refusalOf, refuseNodes } from './fit.ts';
import { nodesScorerOf, type ScoringStrategy, scorerOf } from './strategy.ts';

const names = { type: 'array', items: { type: 'string' }, default: [] };
const resources = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: { type: 'string', minLength: 1 },
      weight: { type: 'integer', minimum: 1, maximum: 100, default: 1 },
    },
  },
  default: [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ],
};
interface Config extends FitConfig {
  readonly scoringStrategy: ScoringStrategy;
}

export default scheduler.stateful<Config, undefined>({
  name: 'NodeResourcesFit',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ignoredResources: names,
      ignoredResourceGroups: names,
      scoringStrategy: {
        type: 'object',
        additionalProperties: false,
        properties: {
          type: {
            enum: ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'],
            default: 'LeastAllocated',
          },
          resources,
          requestedToCapacityRatio: {
            type: 'object',
            additionalProperties: false,
            required: ['shape'],
            properties: { shape: SHAPE_SCHEMA },
          },
        },
        default: {},
        if: { properties: { type: { const: 'RequestedToCapacityRatio' } }, required: ['type'] },
        // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word
        then: { required: ['requestedToCapacityRatio'] },
      },
    },
  },
  create({ scoringStrategy }) {
    const score = scorerOf(scoringStrategy);
    const scoreNodes = nodesScorerOf(scoringStrategy);
    return {
      cacheable: true,
      requeueOn: [
        { on: 'NodeAdd', fits: ({ pod, node, config }) => !node || mayFit(pod, node, config) },
        {
          on: 'NodeAllocatable',
          fits: ({ pod, node, config }) => !node || mayFit(pod, node, config),
        },
        'PodDelete',
        'PodUpdate',
      ],
      filter: ({ pod, node, config }) => refusalOf(pod, node, config),
      filterNodes: refuseNodes,
      refusals: REFUSALS,
      score: ({ pod, node }) => score(pod, node),
      scoreNodes,
    };
  },
});
