import type { ClusterChange, ClusterEvent, PodInfo, QueueingHint } from 'kernetes/sdk';
import type { SpreadConfig } from './constraints.ts';
import { ownConstraints, readConstraints } from './constraints.ts';

/** Which changes may let a refused pod in. Where its constraints are the defaults: all. */
export const REQUEUE_ON: readonly (ClusterEvent | QueueingHint<SpreadConfig>)[] = [
  { on: 'PodAdd', fits: change => isCounted(change) },
  { on: 'PodDelete', fits: change => isCounted(change) },
  // Its labels may have been such that it was counted.
  { on: 'PodUpdate', fits: ({ pod, other }) => other?.namespace === pod.namespace },
  { on: 'NodeAdd', fits: ({ pod, node }) => ownKeys(pod).every(key => hasLabel(node, key)) },
  'NodeLabel',
  { on: 'NodeTaint', fits: ({ pod }) => minds(pod) },
];

function isCounted({ pod, other }: ClusterChange<SpreadConfig>): boolean {
  if (other?.namespace !== pod.namespace) return false;
  const own = ownConstraints(pod);
  if (own.length === 0) return true;
  return readConstraints(own, { action: 'DoNotSchedule', pod }).some(({ selector }) =>
    selector.matches(other.labels),
  );
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
