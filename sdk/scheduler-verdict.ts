/**
 * An expected answer that is not success. `reasons` are what users read, in the form of `2
 * Insufficient cpu`'s second part: the scheduler counts nodes per reason.
 */
export type Verdict =
  | { readonly code: 'success' }
  /** Not now; removing pods may help. */
  | { readonly code: 'unschedulable'; readonly reasons: readonly string[] }
  /** Not now, and removing pods will not help. */
  | { readonly code: 'unresolvable'; readonly reasons: readonly string[] }
  | { readonly code: 'skip' }
  /** preFilter: only the nodes of these names can do. */
  | { readonly code: 'only'; readonly nodeNames: readonly string[] }
  /** permit: hold the pod. Unsettled after `timeoutMs`, or rejected: refused. */
  | {
      readonly code: 'wait';
      readonly until: Promise<Verdict | undefined>;
      readonly timeoutMs: number;
    };

export type Refusal = Extract<Verdict, { readonly reasons: readonly string[] }>;

/** Makes verdicts. They are plain values: keep and return the same one where it is always alike. */
export const verdict = {
  success: Object.freeze({ code: 'success' }) as Verdict,
  skip: Object.freeze({ code: 'skip' }) as Verdict,
  unschedulable: (...reasons: string[]): Refusal => ({ code: 'unschedulable', reasons }),
  unresolvable: (...reasons: string[]): Refusal => ({ code: 'unresolvable', reasons }),
  only: (nodeNames: readonly string[]): Verdict => ({ code: 'only', nodeNames }),
  wait: (until: Promise<Verdict | undefined>, timeoutMs: number): Verdict => ({
    code: 'wait',
    until,
    timeoutMs,
  }),
};

export function isRefusal(verdict: Verdict | undefined): verdict is Refusal {
  return verdict?.code === 'unschedulable' || verdict?.code === 'unresolvable';
}

/**
 * The usual `normalize`: the largest becomes 100, the rest keep their share; `reverse` turns that
 * around. Results are whole numbers, as upstream.
 */
export function normalizeToMax(scores: Float64Array, reverse = false): void {
  let max = 0;
  for (let i = 0; i < scores.length; i++)
    if ((scores[i] as number) > max) max = scores[i] as number;
  for (let i = 0; i < scores.length; i++) {
    const share = max === 0 ? 0 : Math.floor(((scores[i] as number) * SCORE_MAX) / max);
    scores[i] = reverse ? SCORE_MAX - share : share;
  }
}

/** A score is between these, after `normalize`. */
export const SCORE_MIN = 0;
export const SCORE_MAX = 100;

/** Refuses NaN and what is out of range: one bad number would spoil the sum. */
export function checkedScore(plugin: string, score: number): number {
  if (score >= SCORE_MIN && score <= SCORE_MAX) return score;
  throw new Error(
    `Score of plugin "${plugin}" is ${score}, want ${SCORE_MIN} to ${SCORE_MAX} (after normalize)`,
  );
}
