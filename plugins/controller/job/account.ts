import type { JobCondition, JobStatus, Pod, UncountedTerminatedPods } from 'kernetes/sdk';
import { conditionOf, newCondition, withCondition } from './conditions.ts';
import { countsAsFailure } from './failure-policy.ts';
import { isOf, type Observed } from './observe.ts';
import { indexOf, isFailed, isTracked } from './tracked-pod.ts';

/*
 * A pod is counted exactly once, whenever we stop: its uid is first written into the status's
 * `uncountedTerminatedPods`, then its finalizer is taken away, and then, in one write, the uid goes
 * and the counter rises. Who begins anew finds the uid and a pod that is held (and takes the
 * finalizer) or one that is not (and counts). Succeeded pods of an indexed Job need no uid: that
 * their index has succeeded can be written any number of times.
 */

export interface Accounting {
  /** To be written before the pods are let go. */
  readonly status: JobStatus;
  readonly release: readonly Pod[];
  /** There are more pods to count than one write may name. */
  readonly isCut: boolean;
}

/** Which pods have ended, or are given up as the Job ends. */
export function account(
  observed: Observed,
  draft: JobStatus,
  outcome: JobCondition | undefined,
): Accounting {
  const { indexed } = observed;
  const status = settle(draft, heldUids(observed.pods));
  const uncounted = { succeeded: [], failed: [], ...status.uncountedTerminatedPods };
  const lists = { succeeded: new Set(uncounted.succeeded), failed: new Set(uncounted.failed) };
  const release: Pod[] = [];
  const newIndexes = new Set<number>();
  const size = () => newIndexes.size + lists.succeeded.size + lists.failed.size;
  for (const pod of indexed ? byIndex(observed.pods) : observed.pods) {
    if (!mayLetGo(pod, observed, outcome)) continue;
    if (size() >= UNCOUNTED_PODS_MAX) return { ...finish(), isCut: true };
    release.push(pod);
    const uid = pod.metadata.uid ?? '';
    const index = indexOf(pod) ?? -1;
    if (pod.status?.phase === 'Succeeded' && !lists.failed.has(uid)) {
      if (!indexed) lists.succeeded.add(uid);
      else if (isOf(pod, indexed.completions) && !indexed.before.has(index)) newIndexes.add(index);
    } else if (isCounted(pod, observed, outcome)) lists.failed.add(uid);
  }
  return { ...finish(), isCut: false };

  function finish() {
    const listed = withUncounted(status, [...lists.succeeded], [...lists.failed]);
    return { status: withIndexes(listed, observed), release };
  }
}

/** The counters with the pods that are listed and no longer held; these are then no longer listed. */
export function settle(status: JobStatus, held: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const stillSucceeded = succeeded.filter(uid => held.has(uid));
  const stillFailed = failed.filter(uid => held.has(uid));
  const counted = {
    succeeded: (status.succeeded ?? 0) + succeeded.length - stillSucceeded.length,
    failed: (status.failed ?? 0) + failed.length - stillFailed.length,
  };
  return withUncounted(withCounts(status, counted), stillSucceeded, stillFailed);
}

/** Zeros are not told, as upstream. */
export function withCounts(
  status: JobStatus,
  counts: Partial<Record<'active' | 'succeeded' | 'failed', number>>,
): JobStatus {
  const result: JobStatus = { ...status, ...counts };
  for (const name of ['active', 'succeeded', 'failed'] as const) {
    if (result[name] === 0) delete result[name];
  }
  return result;
}

/** With the final condition, if nothing of the Job is left to be counted or to end. */
export function finished(status: JobStatus, outcome: JobCondition, now: number): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length + (status.terminating ?? 0) > 0) return status;
  const isSuccess = outcome.type === 'SuccessCriteriaMet';
  const { reason = '', message = '' } = outcome;
  const type = isSuccess ? 'Complete' : 'Failed';
  const final = newCondition({ type, reason, message }, now);
  return {
    ...status,
    conditions: [...withCondition(status.conditions ?? [], final)],
    ...(isSuccess && final.lastTransitionTime && { completionTime: final.lastTransitionTime }),
  };
}

export function heldUids(pods: readonly Pod[]): Set<string> {
  return new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid ?? ''));
}

function mayLetGo(pod: Pod, observed: Observed, outcome: JobCondition | undefined): boolean {
  if (!isTracked(pod)) return false;
  const { job, spec, indexed } = observed;
  if (job.metadata.deletionTimestamp || outcome || pod.status?.phase === 'Succeeded') return true;
  if (!isFailed(pod, spec)) return false;
  // The pod that replaces it is to go on with its count of failures.
  return indexed?.replaceable.get(indexOf(pod) ?? -1) !== pod;
}

/** When the Job has failed, so has each pod that it gives up. */
function isCounted(pod: Pod, observed: Observed, outcome: JobCondition | undefined): boolean {
  const { spec, indexed } = observed;
  const isLost = outcome !== undefined && outcome.type !== 'SuccessCriteriaMet';
  if (!isFailed(pod, spec) && !isLost) return false;
  return isOf(pod, indexed?.completions) && countsAsFailure(spec.podFailurePolicy, pod);
}

function withUncounted(status: JobStatus, succeeded: string[], failed: string[]): JobStatus {
  const uncountedTerminatedPods: UncountedTerminatedPods = {
    ...(succeeded.length > 0 && { succeeded }),
    ...(failed.length > 0 && { failed }),
  };
  return { ...status, uncountedTerminatedPods };
}

/** What is told of indexes is what is told, however many pods could be let go. */
function withIndexes(status: JobStatus, { indexed }: Observed): JobStatus {
  if (!indexed) return status;
  const { completedIndexes: _, failedIndexes: __, ...rest } = status;
  const completed = indexed.succeeded.toString();
  return {
    ...withCounts(rest, { succeeded: indexed.succeeded.size }),
    ...(completed !== '' && { completedIndexes: completed }),
    ...(indexed.failed && { failedIndexes: indexed.failed.toString() }),
  };
}

function byIndex(pods: readonly Pod[]): Pod[] {
  return [...pods].sort((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1));
}

/** Upstream's: the lists stay below about 20 KB, and one big Job does not keep others waiting. */
const UNCOUNTED_PODS_MAX = 500;

/** The decision, where it is not in the status yet. */
export function withOutcome(status: JobStatus, outcome: JobCondition | undefined): JobStatus {
  const { conditions = [] } = status;
  if (!outcome || conditionOf(conditions, outcome.type)) return status;
  return { ...status, conditions: [...withCondition(conditions, outcome)] };
}
