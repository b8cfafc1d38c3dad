import { isTolerated, scheduler, verdict } from 'kernetes/sdk';

const UNSCHEDULABLE = verdict.unresolvable('node(s) were unschedulable');
/** What a cordoned node has, or is about to get: a pod that tolerates it may come. */
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export default scheduler.filter<Record<string, never>, undefined>({
  name: 'NodeUnschedulable',
  cacheable: true,
  requeueOn: ['NodeAdd', 'NodeTaint'],
  config: { type: 'object', additionalProperties: false },
  filter: ({ pod, node }) =>
    node.unschedulable && !isTolerated(TAINT, pod.spec.tolerations) ? UNSCHEDULABLE : undefined,
});
