import type {
  Contribution,
  EvaluateResult,
  HeldVerdict,
  Logger,
  PreemptionChoice,
  Refusal,
  RemoteChoice,
  SchedulerContribution,
  Verdict,
} from 'kernetes/sdk';
import { isRefusal, SCHEDULER_POINTS, SCORE_MAX, SCORE_MIN } from 'kernetes/sdk';

/**
 * A plugin in another thread need not be written with the SDK: what comes from there is looked at
 * before the scheduler, which everybody needs, works with it.
 */

/** Those that can be used; of the others the log tells what is wrong. */
export function usable(
  contributions: readonly Contribution<SchedulerContribution>[],
  log: Logger,
): Contribution<SchedulerContribution>[] {
  return contributions.filter(contribution => {
    const reason = contribution.remote ? wrongWith(contribution) : undefined;
    if (reason === undefined) return true;
    log.error('Scheduler plugin cannot be used', { plugin: contribution.plugin, reason });
    return false;
  });
}

/** Throws unless it answers a question about `count` pairs of pod and node. */
export function assertResult(result: EvaluateResult, count: number): void {
  const { verdicts, refusals, scores, errors } = (result ?? {}) as Partial<EvaluateResult>;
  const isWhole =
    verdicts instanceof Uint16Array &&
    (verdicts.length === count || verdicts.length === 0) &&
    (scores instanceof Float64Array || scores instanceof Uint8Array) &&
    (scores.length === count || scores.length === 0) &&
    Array.isArray(refusals) &&
    refusals.every(isSoundRefusal) &&
    Array.isArray(errors) &&
    errors.every(isSoundError) &&
    areVerdicts(verdicts, refusals.length) &&
    areScores(scores);
  if (!isWhole) throw new Error('its answer is none to what it was asked');
}

function areVerdicts(verdicts: Uint16Array, max: number): boolean {
  for (let i = 0; i < verdicts.length; i++) if ((verdicts[i] as number) > max) return false;
  return true;
}

/** NaN is none either. */
function areScores(scores: Uint8Array | Float64Array): boolean {
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (!(score >= SCORE_MIN && score <= SCORE_MAX)) return false;
  }
  return true;
}

/** Throws unless these are answers about `count` pods. */
export function assertVerdicts(
  verdicts: readonly (Verdict | HeldVerdict | undefined)[] | undefined,
  count: number,
): void {
  const isWhole = Array.isArray(verdicts) && verdicts.every(isSoundVerdict);
  if (!isWhole) throw new Error('its answer is none to what it was asked');
  if (verdicts.length !== count) {
    throw new Error(`it gave ${verdicts.length} answers, want ${count}`);
  }
}

/** Throws unless these are the ranks of so many pods. */
export function assertRanks(
  ranks: Float64Array | undefined,
  keys: readonly string[],
): asserts ranks is Float64Array {
  const isWhole =
    ranks instanceof Float64Array &&
    isTexts(keys) &&
    ranks.length === keys.length &&
    ranks.every(rank => Number.isFinite(rank));
  if (!isWhole) throw new Error('its answer is none to what it was asked');
}

/** Keys of pods whose nominations are to go. */
export function assertCleared(cleared: unknown): ReadonlySet<string> {
  if (cleared === undefined) return new Set();
  if (!isTexts(cleared)) throw new Error('its answer is none to what it was asked');
  return new Set(cleared);
}

/** What is left of the choices that were offered: no other nodes, and no other victims. */
export function choicesOf(
  left: readonly RemoteChoice[] | undefined,
  offered: readonly PreemptionChoice[],
): readonly PreemptionChoice[] {
  if (!Array.isArray(left)) throw new Error('its answer is none to what it was asked');
  return left.map((choice: RemoteChoice | null) => {
    const known = offered.find(({ nodeName }) => nodeName === choice?.nodeName);
    const victims = choice?.victims;
    const violations = choice?.violations;
    if (!known || !isTexts(victims) || typeof violations !== 'number') {
      throw new Error('its answer names a choice that was not offered');
    }
    const keys = new Set(victims);
    const kept = known.victims.filter(({ key }) => keys.has(key));
    if (kept.length !== keys.size) throw new Error('its answer names a victim of its own');
    return { nodeName: known.nodeName, victims: kept, violations };
  });
}

function wrongWith({ name, value }: Contribution<SchedulerContribution>): string | undefined {
  const { points, onFailure, deadlineMs, requeueOn, local } = value as Partial<typeof value>;
  if (value.name !== name) return 'its name is not that of the contribution';
  if (!isListOf(points, SCHEDULER_POINTS)) return 'its points are no list of points';
  if (onFailure !== 'fail' && onFailure !== 'ignore') return 'onFailure is not "fail" or "ignore"';
  if (typeof deadlineMs !== 'number' || !(deadlineMs > 0)) return 'deadlineMs is no length of time';
  if (requeueOn !== undefined && !Array.isArray(requeueOn)) return 'requeueOn is no list';
  if (local !== undefined) return 'it has a local part';
  return undefined;
}

function isSoundRefusal(verdict: Verdict | null | undefined): boolean {
  return isRefusal(verdict ?? undefined) && isTexts((verdict as Refusal).reasons);
}

/** One that holds the pod comes without its promise, and says for how long. */
function isSoundVerdict(verdict: Verdict | HeldVerdict | null | undefined): boolean {
  if (verdict === null || verdict === undefined) return true;
  if (verdict.code === 'wait') return verdict.timeoutMs > 0 && Number.isFinite(verdict.timeoutMs);
  return verdict.code === 'success' || verdict.code === 'skip' || isSoundRefusal(verdict);
}

function isSoundError(error: EvaluateResult['errors'][number] | null): boolean {
  return typeof error?.pod === 'number' && typeof error.message === 'string';
}

function isListOf(list: unknown, known: readonly string[]): boolean {
  return isTexts(list) && list.every(item => known.includes(item));
}

function isTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every(item => typeof item === 'string');
}
