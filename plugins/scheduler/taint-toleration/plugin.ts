import { normalizeToMax, scheduler, verdict } from 'kernetes/sdk';
import { dislikes, isKeptOff } from './taints.ts';

const UNTOLERATED = verdict.unresolvable('node(s) had untolerated taint(s)');

export default scheduler.plugin<Record<string, never>, undefined>({
  name: 'TaintToleration',
  cacheable: true,
  requeueOn: [
    { on: 'NodeAdd', fits: ({ pod, node }) => !node || !isKeptOff(pod, node.taints) },
    { on: 'NodeTaint', fits: ({ pod, node }) => !node || !isKeptOff(pod, node.taints) },
  ],
  config: { type: 'object', additionalProperties: false },
  filter: ({ pod, node }) => (isKeptOff(pod, node.taints) ? UNTOLERATED : undefined),
  score: ({ pod, node }) => dislikes(node.taints, pod.spec.tolerations ?? []),
  normalize: scores => normalizeToMax(scores, true),
});
