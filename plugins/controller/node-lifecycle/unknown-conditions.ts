import type { Node, NodeCondition } from 'kernetes/sdk';

/**
 * Of a node that is not heard of: its conditions that have to become Unknown, as they then are.
 * NetworkUnavailable is none of them: it is not the kubelet's.
 */
export function unknownConditions({ metadata, status }: Node, now: string): NodeCondition[] {
  return TYPES.flatMap(type => {
    const known = status?.conditions?.find(condition => condition.type === type);
    if (known?.status === 'Unknown') return [];
    const { creationTimestamp } = metadata;
    const before = known ?? (creationTimestamp ? { lastHeartbeatTime: creationTimestamp } : {});
    const why = known ? STOPPED : NEVER;
    return [{ ...before, type, status: 'Unknown', ...why, lastTransitionTime: now }];
  });
}

const TYPES = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];
const STOPPED = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
const NEVER = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' };
