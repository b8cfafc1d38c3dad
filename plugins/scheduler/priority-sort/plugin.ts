import { scheduler } from 'kernetes/sdk';

export default scheduler.plugin<Record<string, never>, undefined>({
  name: 'PrioritySort',
  config: { type: 'object', additionalProperties: false },
  queueSort: (a, b) => b.pod.priority - a.pod.priority || a.queuedAt - b.queuedAt,
});
