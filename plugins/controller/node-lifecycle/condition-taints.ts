import type { Node, Taint } from 'kernetes/sdk';

/**
 * The taints that the node should have, where they are not as its conditions and `unschedulable`
 * say; undefined: they are. Taints of others stay as they are.
 */
export function changedTaints(node: Node, now: string): Taint[] | undefined {
  const wanted = wantedKeys(node);
  const taints = node.spec?.taints ?? [];
  const kept = taints.filter(taint => !isOurs(taint) || wanted.has(taint.key));
  for (const { key } of kept.filter(isOurs)) wanted.delete(key);
  if (wanted.size === 0 && kept.length === taints.length) return undefined;
  const added = [...wanted].map(key => ({ key, effect: EFFECT, timeAdded: now }));
  return [...kept, ...added];
}

function wantedKeys({ spec, status }: Node): Set<string> {
  const keys = new Set<string>();
  for (const { type, status: value } of status?.conditions ?? []) {
    const key = TAINTS[type]?.[value];
    if (key) keys.add(key);
  }
  if (spec?.unschedulable) keys.add(UNSCHEDULABLE);
  return keys;
}

function isOurs({ key, effect }: Taint): boolean {
  return effect === EFFECT && OURS.has(key);
}

const EFFECT = 'NoSchedule';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
/** Condition -> its status -> the taint. */
const TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: {
    False: 'node.kubernetes.io/not-ready',
    Unknown: 'node.kubernetes.io/unreachable',
  },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const OURS = new Set([UNSCHEDULABLE, ...Object.values(TAINTS).flatMap(Object.values)]);
