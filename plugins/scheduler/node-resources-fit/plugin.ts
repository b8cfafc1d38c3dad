import { scheduler } from 'kernetes/sdk';
import { type FitConfig, refusalOf } from './fit.ts';

const names = { type: 'array', items: { type: 'string' }, default: [] };

export default scheduler.filter<FitConfig, undefined>({
  name: 'NodeResourcesFit',
  cacheable: true,
  requeueOn: ['NodeAdd', 'NodeAllocatable', 'PodDelete', 'PodUpdate'],
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { ignoredResources: names, ignoredResourceGroups: names },
  },
  filter: ({ pod, node, config }) => refusalOf(pod, node, config),
});
