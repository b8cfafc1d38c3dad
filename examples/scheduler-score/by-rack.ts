import { scheduler } from 'kernetes/sdk';

/** Prefers nodes whose rack is the one that the pod names. */
export default scheduler.score<{ label: string }>({
  name: 'ByRack',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { label: { type: 'string', default: 'rack' } },
  },
  score: ({ pod, node, config }) =>
    node.labels[config.label] === pod.labels[config.label] ? 100 : 0,
});
