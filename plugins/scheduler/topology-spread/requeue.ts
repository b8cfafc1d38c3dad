import type { ClusterChange, ClusterEvent, PodInfo, QueueingHint } from 'kernetes/sdk';
import type { SpreadConfig } from './constraints.ts';
import { ownConstraints } from './constraints.ts';
import type { SpreadPlan } from './spread-plans.ts';

/** Which changes may let a refused pod in. Where its constraints are the defaults: all. */
export function requeueOn(
  planOf: (pod: PodInfo) => SpreadPlan,
): readonly (ClusterEvent | QueueingHint<SpreadConfig>)[] {
  const isCounted = ({ pod, other }: ClusterChange<SpreadConfig>) => {
    if (other?.namespace !== pod.namespace) return false;
    if (ownConstraints(pod).length === 0) return true;
    return planOf(pod).hard.some(({ selector }) => selector.matches(other.labels));
  };
  return [
    { on: 'PodAdd', fits: isCounted },
    { on: 'PodDelete', fits: isCounted },
    // Its labels may have been such that it was counted.
    { on: 'PodUpdate', fits: ({ pod, other }) => other?.namespace === pod.namespace },
    { on: 'NodeAdd', fits: ({ pod, node }) => ownKeys(pod).every(key => hasLabel(node, key)) },
    'NodeLabel',
    { on: 'NodeTaint', fits: ({ pod }) => minds(pod) },
  ];
}

function ownKeys(pod: PodInfo): readonly string[] {
  return ownConstraints(pod)
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
    .map(({ topologyKey }) => topologyKey);
}

function hasLabel(node: ClusterChange['node'], key: string): boolean {
  return typeof node?.labels[key] === 'string';
}

/** Taints say which nodes are counted. */
function minds(pod: PodInfo): boolean {
  const own = ownConstraints(pod);
  return own.length === 0 || own.some(({ nodeTaintsPolicy }) => nodeTaintsPolicy === 'Honor');
}
