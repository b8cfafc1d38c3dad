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
  refusals: [UNTOLERATED],
  filterNodes({ pod, columns, count, indices, verdicts }) {
    const { taintSet, taintSets } = columns;
    let known = -1;
    let isOff = false;
    for (let i = 0; i < count; i++) {
      const set = taintSet[indices[i] as number] as number;
      if (set === 0) continue;
      if (set !== known) {
        known = set;
        isOff = isKeptOff(pod, taintSets[set] ?? []);
      }
      if (isOff) verdicts[i] = 1;
    }
    return true;
  },
  score: ({ pod, node }) => dislikes(node.taints, pod.spec.tolerations ?? []),
  scoreNodes({ pod, columns, count, indices, scores }) {
    const { taintSet, taintSets } = columns;
    let known = 0;
    let score = 0;
    for (let i = 0; i < count; i++) {
      const set = taintSet[indices[i] as number] as number;
      if (set !== known) {
        known = set;
        score = dislikes(taintSets[set] ?? [], pod.spec.tolerations ?? []);
      }
      scores[i] = score;
    }
    return true;
  },
  normalize: scores => normalizeToMax(scores, true),
});
