import { isTolerated, type NodeInfo, type PodInfo, scheduler, verdict } from 'kernetes/sdk';

const UNSCHEDULABLE = verdict.unresolvable('node(s) were unschedulable');
/** What a cordoned node has, or is about to get: a pod that tolerates it may come. */
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export default scheduler.filter<Record<string, never>, undefined>({
  name: 'NodeUnschedulable',
  cacheable: true,
  requeueOn: [
    { on: 'NodeAdd', fits: ({ pod, node }) => !node || !isKeptOff(pod, node) },
    { on: 'NodeTaint', fits: ({ pod, node }) => !node || !isKeptOff(pod, node) },
  ],
  config: { type: 'object', additionalProperties: false },
  filter: ({ pod, node }) => (isKeptOff(pod, node) ? UNSCHEDULABLE : undefined),
  refusals: [UNSCHEDULABLE],
  filterNodes({ pod, columns: { unschedulable }, count, indices, verdicts }) {
    const isOff = !isTolerated(TAINT, pod.spec.tolerations);
    for (let i = 0; i < count; i++) {
      if (isOff && unschedulable[indices[i] as number] !== 0) verdicts[i] = 1;
    }
    return true;
  },
});

function isKeptOff({ spec }: PodInfo, node: NodeInfo): boolean {
  return node.unschedulable && !isTolerated(TAINT, spec.tolerations);
}
