import type { JobCondition, Pod } from 'kernetes/sdk';
import { conditionOf, isSuspended, newCondition } from './conditions.ts';
import { matchFailurePolicy } from './failure-policy.ts';
import type { Observed } from './observe.ts';
import { matchSuccessPolicy } from './success-policy.ts';
import { isFailed } from './tracked-pod.ts';

export interface OutcomeOptions {
  readonly now: number;
  /** Since when the Job runs; undefined: it does not. */
  readonly startedAt: number | undefined;
}

/**
 * How the Job ends, decided or to be decided now; undefined: it goes on. `FailureTarget` and
 * `SuccessCriteriaMet` are written before any pod is given up, so that what was decided stays so
 * when the pods that it was decided on are gone.
 */
export function outcomeOf(observed: Observed, options: OutcomeOptions): JobCondition | undefined {
  const { conditions } = observed.status;
  const decided =
    conditionOf(conditions, 'SuccessCriteriaMet') ?? conditionOf(conditions, 'FailureTarget');
  if (decided) return decided;
  const failure = failureOf(observed, options);
  if (failure) return newCondition({ type: 'FailureTarget', ...failure }, options.now);
  const { indexed, spec } = observed;
  if (!indexed) return undefined;
  const { succeeded, completions } = indexed;
  const message = matchSuccessPolicy(spec.successPolicy, succeeded, completions);
  if (message === undefined) return undefined;
  const met = { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message };
  return newCondition(met, options.now);
}

/** All pods that the Job wants have succeeded, and none runs any more. */
export function isComplete({ spec, succeeded }: Observed, active: number): boolean {
  if (active > 0) return false;
  // A work queue: the first pod that succeeds found that there is no work left.
  return spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions;
}

export function completion(now: number): JobCondition {
  const message = 'Reached expected number of succeeded pods';
  return newCondition({ type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message }, now);
}

/** How long until the Job has run for too long; undefined: it may for ever. */
export function msUntilDeadline(
  { spec, job }: Observed,
  { now, startedAt }: OutcomeOptions,
): number | undefined {
  const { activeDeadlineSeconds } = spec;
  if (activeDeadlineSeconds === undefined || startedAt === undefined) return undefined;
  return isSuspended(job) ? undefined : startedAt + activeDeadlineSeconds * 1000 - now;
}

interface Why {
  readonly reason: string;
  readonly message: string;
}

function failureOf(observed: Observed, options: OutcomeOptions): Why | undefined {
  const { spec, pods } = observed;
  const message = policyFailure(observed);
  if (message !== undefined) return { reason: 'PodFailurePolicy', message };
  const { backoffLimit = 6 } = spec;
  if (observed.failed > backoffLimit || restartsTooOften(observed, pods)) return BACKOFF_EXCEEDED;
  const left = msUntilDeadline(observed, options);
  if (left !== undefined && left <= 0) return DEADLINE_EXCEEDED;
  return indexFailure(observed);
}

function policyFailure({ spec, pods }: Observed): string | undefined {
  if (!spec.podFailurePolicy) return undefined;
  for (const pod of pods) {
    if (!isFailed(pod, spec)) continue;
    const match = matchFailurePolicy(spec.podFailurePolicy, pod);
    if (match?.action === 'FailJob') return match.message;
  }
  return undefined;
}

/** Pods that are restarted in place do not fail: their containers' restarts count instead. */
function restartsTooOften({ spec }: Observed, pods: readonly Pod[]): boolean {
  if (spec.template.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
    .flatMap(({ status }) => [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  // As upstream: with a limit of 0 the first restart is one too many, otherwise the limit's own.
  return restarts >= Math.max(1, spec.backoffLimit ?? 6);
}

function indexFailure({ spec, indexed }: Observed): Why | undefined {
  const failed = indexed?.failed?.size ?? 0;
  if (!indexed || failed === 0) return undefined;
  if (spec.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes) {
    return TOO_MANY_FAILED_INDEXES;
  }
  return failed + indexed.succeeded.size >= indexed.completions ? FAILED_INDEXES : undefined;
}

const BACKOFF_EXCEEDED: Why = {
  reason: 'BackoffLimitExceeded',
  message: 'Job has reached the specified backoff limit',
};
const DEADLINE_EXCEEDED: Why = {
  reason: 'DeadlineExceeded',
  message: 'Job was active longer than specified deadline',
};
const TOO_MANY_FAILED_INDEXES: Why = {
  reason: 'MaxFailedIndexesExceeded',
  message: 'Job has exceeded the specified maximal number of failed indexes',
};
const FAILED_INDEXES: Why = { reason: 'FailedIndexes', message: 'Job has failed indexes' };
