import type { Node, Taint } from 'kernetes/sdk';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
export type EvictingTaint = typeof NOT_READY | typeof UNREACHABLE;

/**
 * The taints that the node should have, where they are not as its conditions, `unschedulable` and
 * `evicting` say; undefined: they are. Taints of others stay as they are.
 */
export function changedTaints(
  node: Node,
  { now, evicting }: { readonly now: string; readonly evicting?: EvictingTaint | undefined },
): Taint[] | undefined {
  const wanted = wantedTaints(node, evicting);
  const taints = node.spec?.taints ?? [];
  const kept = taints.filter(taint => !OURS.has(idOf(taint)) || wanted.has(idOf(taint)));
  for (const taint of kept) wanted.delete(idOf(taint));
  if (wanted.size === 0 && kept.length === taints.length) return undefined;
  const added = [...wanted.values()].map(taint => ({ ...taint, timeAdded: now }));
  return [...kept, ...added];
}

/** Which of the two taints that evict the node has. */
export function evictingTaint({ spec }: Node): EvictingTaint | undefined {
  const has = (key: string) =>
    spec?.taints?.some(taint => taint.key === key && taint.effect === EVICT) ?? false;
  if (has(NOT_READY)) return NOT_READY;
  return has(UNREACHABLE) ? UNREACHABLE : undefined;
}

function wantedTaints({ spec, status }: Node, evicting?: EvictingTaint): Map<string, Taint> {
  const taints: Taint[] = [];
  for (const { type, status: value } of status?.conditions ?? []) {
    const key = TAINTS[type]?.[value];
    if (key) taints.push({ key, effect: KEEP_OFF });
  }
  if (spec?.unschedulable) taints.push({ key: UNSCHEDULABLE, effect: KEEP_OFF });
  if (evicting) taints.push({ key: evicting, effect: EVICT });
  return new Map(taints.map(taint => [idOf(taint), taint]));
}

function idOf({ key, effect }: Taint): string {
  return `${key}:${effect}`;
}

const KEEP_OFF = 'NoSchedule';
const EVICT = 'NoExecute';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
/** Condition -> its status -> the taint. */
const TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const OURS = new Set([
  ...[UNSCHEDULABLE, ...Object.values(TAINTS).flatMap(Object.values)].map(key =>
    idOf({ key, effect: KEEP_OFF }),
  ),
  ...[NOT_READY, UNREACHABLE].map(key => idOf({ key, effect: EVICT })),
]);
