import type { ClusterChange, ClusterEvent, PodInfo, QueueingHint } from 'kernetes/sdk';
import type { AffinityPlan, AffinityPlans } from './affinity-plans.ts';
import type { AffinityConfig } from './held-terms.ts';

/** Which changes may let a refused pod in. */
export function requeueOn(
  plans: () => AffinityPlans,
): readonly (ClusterEvent | QueueingHint<AffinityConfig>)[] {
  const hasKeys = ({ pod, node }: ClusterChange<AffinityConfig>) => {
    const { nearKeys } = plans().planOf(pod);
    return nearKeys.every(key => typeof node?.labels[key] === 'string');
  };
  return [
    {
      on: 'PodAdd',
      fits: ({ pod, other }) => !!other && plans().planOf(pod).isNear(other),
    },
    {
      on: 'PodDelete',
      // Also the last one near which it had to be: then it may be the first.
      fits({ pod, other }) {
        if (!other) return false;
        const { isNear, far } = plans().planOf(pod);
        return (
          isNear(other) ||
          far.some(({ matches }) => matches(other)) ||
          plans().avoidingTerms(other, pod).length > 0
        );
      },
    },
    // It may have been, by its labels of before, one of those.
    'PodUpdate',
    { on: 'NodeAdd', fits: hasKeys },
    { on: 'NodeLabel', fits: hasKeys },
  ];
}

/** Whether new labels of a namespace can matter to the pod: by its own terms, or by others'. */
export function isConcernedBy(namespace: string, pod: PodInfo, plan: AffinityPlan): boolean {
  return pod.namespace === namespace || plan.namespaceSelectors;
}
