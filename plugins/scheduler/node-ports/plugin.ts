import { scheduler, verdict } from 'kernetes/sdk';
import { isTaken, overlap } from './ports.ts';

const TAKEN = verdict.unschedulable("node(s) didn't have free ports for the requested pod ports");

export default scheduler.filter<Record<string, never>, undefined>({
  name: 'NodePorts',
  cacheable: true,
  readsPods: true,
  requeueOn: [
    { on: 'NodeAdd', fits: ({ pod, node }) => !node || !isTaken(pod.hostPorts, node) },
    {
      on: 'PodDelete',
      fits: ({ pod, other }) => !other || overlap(pod.hostPorts, other.hostPorts),
    },
  ],
  config: { type: 'object', additionalProperties: false },
  preFilter: ({ pod }) => (pod.hostPorts.length > 0 ? undefined : verdict.skip),
  filter: ({ pod, node }) => (isTaken(pod.hostPorts, node) ? TAKEN : undefined),
});
