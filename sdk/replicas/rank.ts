import type { Pod } from '../api/types-core-v1.ts';
import { isPodReady, podCondition } from '../pod-status.ts';

export interface RankOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How many pods of the owner and its siblings each node has. */
  readonly perNode: ReadonlyMap<string, number>;
}

/**
 * The pods, those first that should go first: upstream's ActivePodsWithRanks. Times are compared in
 * powers of two of how long ago they were, and pods alike in all of it are taken by their uid: so
 * that not just the youngest go, which are often all on one node or of one zone.
 */
export function rankForDeletion(pods: readonly Pod[], options: RankOptions): Pod[] {
  const ranked = pods.map(pod => ({ pod, rank: rankOf(pod, options) }));
  ranked.sort((a, b) => compare(a.rank, b.rank) || compareUids(a.pod, b.pod));
  return ranked.map(({ pod }) => pod);
}

/** Compared from the left; the smaller one goes first. */
function rankOf(pod: Pod, { now, perNode }: RankOptions): readonly number[] {
  const { nodeName = '' } = pod.spec ?? {};
  const isReady = isPodReady(pod);
  return [
    nodeName === '' ? 0 : 1,
    PHASE_RANK[pod.status?.phase ?? ''] ?? 0,
    isReady ? 1 : 0,
    Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0,
    -(perNode.get(nodeName) ?? 0),
    isReady ? ageOf(podCondition(pod, 'Ready')?.lastTransitionTime, now) : 0,
    -restartsOf(pod),
    ageOf(pod.metadata.creationTimestamp, now),
  ];
}

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function restartsOf({ status }: Pod): number {
  const counts = status?.containerStatuses?.map(({ restartCount }) => restartCount) ?? [];
  return Math.max(0, ...counts);
}

/** In powers of two of a nanosecond. A time that is not known counts as the latest, as upstream. */
function ageOf(time: string | undefined, now: number): number {
  const since = Date.parse(time ?? '');
  if (Number.isNaN(since) || since >= now) return -1;
  return Math.floor(Math.log2((now - since) * 1e6));
}

function compareUids(a: Pod, b: Pod): number {
  const { uid: left = '' } = a.metadata;
  const { uid: right = '' } = b.metadata;
  return left < right ? -1 : left > right ? 1 : 0;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? 0;
    if (left !== right) return left - right;
  }
  return 0;
}
