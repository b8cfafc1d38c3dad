import type { SchedulerPlugin } from 'kernetes/sdk';

/** The score plugin of the design: likes nodes whose label is the pod's. */
export const BY_RACK: SchedulerPlugin<{ label: string }> = {
  name: 'ByRack',
  score: ({ pod, node, config }) =>
    node.labels[config.label] === pod.labels[config.label] ? 100 : 0,
};
