import { type Pod, podCondition, type Taint, toleratesTaint } from 'kernetes/sdk';

/** When each of the taints began to count for a pod, by its key: milliseconds since the epoch. */
export type Starts = ReadonlyMap<string, number>;

/**
 * Until when a pod may stay in spite of the taints: as long as the first toleration of each allows.
 * Not finite: forever. `starts` has a time for each.
 */
export function stayEnds(pod: Pod, taints: readonly Taint[], starts: Starts): number {
  const ends = taints.map(taint => {
    const toleration = pod.spec?.tolerations?.find(each => toleratesTaint(each, taint));
    if (!toleration) return Number.NEGATIVE_INFINITY;
    const { tolerationSeconds } = toleration;
    if (tolerationSeconds === undefined) return Number.POSITIVE_INFINITY;
    if (tolerationSeconds <= 0) return Number.NEGATIVE_INFINITY;
    return (starts.get(taint.key) ?? 0) + tolerationSeconds * 1_000;
  });
  return Math.min(...ends);
}

export interface StartsOptions {
  readonly pod: Pod;
  readonly taints: readonly Taint[];
  /** As they were known before; absent: nothing was. */
  readonly known?: Starts | undefined;
  readonly now: number;
}

/**
 * A taint counts from when it was added (now, when that is not told) and the pod was there, so that
 * a restart gives nobody more time. One that takes the place of all others, as `unreachable` does
 * of `not-ready`, counts from when they did.
 */
export function startsOf({ pod, taints, known, now }: StartsOptions): Starts {
  const replaces = known !== undefined && !taints.some(({ key }) => known.has(key));
  const there = Date.parse(podCondition(pod, 'PodScheduled')?.lastTransitionTime ?? '');
  return new Map(
    taints.map(({ key, timeAdded }) => {
      if (replaces) return [key, Math.min(...known.values())];
      const added = Date.parse(timeAdded ?? '');
      const fresh = Math.min(now, Math.max(added, there || added));
      return [key, known?.get(key) ?? (Number.isNaN(fresh) ? now : fresh)];
    }),
  );
}
