import { scheduler } from 'kernetes/sdk';
import { type ConditionsConfig, isBestEffort, refusalOf } from './conditions.ts';

const checked = { type: 'boolean', default: true };

export default scheduler.filter<ConditionsConfig, boolean>({
  name: 'NodeConditions',
  cacheable: true,
  requeueOn: ['NodeAdd', 'NodeCondition'],
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ready: checked,
      memoryPressure: checked,
      diskPressure: checked,
      pidPressure: checked,
    },
  },
  preFilter(context) {
    context.state = isBestEffort(context.pod);
    return undefined;
  },
  filter: ({ node, state = false, config }) => refusalOf(node, state, config),
});
