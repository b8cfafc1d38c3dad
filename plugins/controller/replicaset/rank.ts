import { isPodReady, type Pod, podCondition } from 'kernetes/sdk';

/**
 * The pods, those first that should go first: upstream's ActivePodsWithRanks, but that times are
 * compared as they are instead of in powers of two.
 */
export function rankForDeletion(
  pods: readonly Pod[],
  siblingsPerNode: ReadonlyMap<string, number>,
): Pod[] {
  const ranked = pods.map(pod => ({ pod, rank: rankOf(pod, siblingsPerNode) }));
  ranked.sort((a, b) => compare(a.rank, b.rank));
  return ranked.map(({ pod }) => pod);
}

/** Compared from the left; the smaller one goes first. */
function rankOf(pod: Pod, siblingsPerNode: ReadonlyMap<string, number>): readonly number[] {
  const { nodeName = '' } = pod.spec ?? {};
  const isReady = isPodReady(pod);
  return [
    nodeName === '' ? 0 : 1,
    PHASE_RANK[pod.status?.phase ?? ''] ?? 0,
    isReady ? 1 : 0,
    Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0,
    -(siblingsPerNode.get(nodeName) ?? 0),
    isReady ? -timeOf(podCondition(pod, 'Ready')?.lastTransitionTime) : 0,
    -restartsOf(pod),
    -timeOf(pod.metadata.creationTimestamp),
  ];
}

const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function restartsOf({ status }: Pod): number {
  const counts = status?.containerStatuses?.map(({ restartCount }) => restartCount) ?? [];
  return Math.max(0, ...counts);
}

/** A time that is not known counts as the latest, as upstream. */
function timeOf(time: string | undefined): number {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? Number.MAX_SAFE_INTEGER : ms;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? 0;
    if (left !== right) return left - right;
  }
  return 0;
}
