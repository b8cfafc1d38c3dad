import {
  isPodActive,
  isPodFinished,
  isPodReady,
  type Job,
  type JobSpec,
  type JobStatus,
  type Pod,
} from 'kernetes/sdk';
import { countsAsFailure, matchFailurePolicy } from './failure-policy.ts';
import { Indexes } from './indexes.ts';
import {
  failuresBefore,
  finishedAt,
  ignoredFailuresBefore,
  indexOf,
  isFailed,
  isTerminating,
  isTracked,
} from './tracked-pod.ts';

/** What there is of a Job. */
export interface Observed {
  readonly job: Job;
  readonly spec: JobSpec;
  readonly status: JobStatus;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  /** Those that are in none of the status's counts and lists. */
  readonly newlySucceeded: readonly Pod[];
  readonly newlyFailed: readonly Pod[];
  /** All, counted or not. */
  readonly succeeded: number;
  readonly failed: number;
  /** Only of an indexed Job. */
  readonly indexed: IndexedJob | undefined;
}

export interface IndexedJob {
  readonly completions: number;
  /** What the status says. */
  readonly before: Indexes;
  readonly succeeded: Indexes;
  /** Only with a limit for each index. */
  readonly failed: Indexes | undefined;
  /** Index -> the failed pod that its next one is to replace: it stays until there is that one. */
  readonly replaceable: ReadonlyMap<number, Pod>;
}

export function observe(job: Job, pods: readonly Pod[]): Observed {
  const { spec = { template: {} }, status = {} } = job;
  const { uncountedTerminatedPods: uncounted = {} } = status;
  const completions = spec.completionMode === 'Indexed' ? (spec.completions ?? 0) : undefined;
  const [listedSucceeded, listedFailed] = [new Set(uncounted.succeeded), new Set(uncounted.failed)];
  const isNew = (pod: Pod, listed: ReadonlySet<string>) =>
    isTracked(pod) && isOf(pod, completions) && !listed.has(pod.metadata.uid ?? '');
  const active = pods.filter(isPodActive);
  const newlySucceeded = pods.filter(
    pod => pod.status?.phase === 'Succeeded' && isNew(pod, listedSucceeded),
  );
  const newlyFailed = pods.filter(pod => isFailed(pod, spec) && isNew(pod, listedFailed));
  const indexed =
    completions === undefined ? undefined : observeIndexes({ spec, status, pods, completions });
  const known = (status.succeeded ?? 0) + listedSucceeded.size;
  const counted = newlyFailed.filter(pod => countsAsFailure(spec.podFailurePolicy, pod));
  return {
    ...{ job, spec, status, pods, active, newlySucceeded, newlyFailed, indexed },
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isTerminating).length,
    succeeded: indexed ? indexed.succeeded.size : known + newlySucceeded.length,
    failed: (status.failed ?? 0) + listedFailed.size + counted.length,
  };
}

/** The pods of a Job that have ended and are in its counts. */
export function countedPods({ pods, newlySucceeded, newlyFailed }: Observed) {
  const uncounted = new Set([...newlySucceeded, ...newlyFailed]);
  const counted = pods.filter(pod => isPodFinished(pod) && !uncounted.has(pod));
  return {
    succeeded: counted.filter(({ status }) => status?.phase === 'Succeeded'),
    failed: counted.filter(({ status }) => status?.phase === 'Failed'),
  };
}

/** Pods of an indexed Job must have one of its indexes to count. */
export function isOf(pod: Pod, completions: number | undefined): boolean {
  return completions === undefined || (indexOf(pod) ?? completions) < completions;
}

interface IndexesOptions {
  readonly spec: JobSpec;
  readonly status: JobStatus;
  readonly pods: readonly Pod[];
  readonly completions: number;
}

function observeIndexes(options: IndexesOptions): IndexedJob {
  const { spec, status, pods, completions } = options;
  const before = Indexes.parse(status.completedIndexes, completions);
  const held = pods.filter(pod => isTracked(pod) && isOf(pod, completions));
  const ended = held.filter(pod => pod.status?.phase === 'Succeeded');
  const succeeded = before.union(indexesOf(ended));
  const limit = spec.backoffLimitPerIndex;
  const base = { completions, before, succeeded };
  if (limit === undefined) return { ...base, failed: undefined, replaceable: new Map() };
  const failedNow = held.filter(pod => failsIndex(pod, spec, limit));
  const failed = Indexes.parse(status.failedIndexes, completions).union(indexesOf(failedNow));
  const settled = succeeded.union(failed).union(indexesOf(pods.filter(isPodActive)));
  const open = held.filter(pod => isFailed(pod, spec) && !settled.has(indexOf(pod) ?? -1));
  return { ...base, failed, replaceable: latestByIndex(open) };
}

export function indexesOf(pods: readonly Pod[]): Indexes {
  return Indexes.of(pods.map(indexOf).filter(index => index !== undefined));
}

function failsIndex(pod: Pod, spec: JobSpec, limit: number): boolean {
  if (!isFailed(pod, spec)) return false;
  const action = matchFailurePolicy(spec.podFailurePolicy, pod)?.action;
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && failuresBefore(pod) >= limit;
}

/** How many pods of its index had failed before it, whether they count or not. */
export function allFailuresBefore(pod: Pod): number {
  return failuresBefore(pod) + ignoredFailuresBefore(pod);
}

function latestByIndex(pods: readonly Pod[]): Map<number, Pod> {
  const latest = new Map<number, Pod>();
  for (const pod of pods) {
    const index = indexOf(pod) ?? -1;
    const other = latest.get(index);
    const isLater =
      !other ||
      (allFailuresBefore(other) <= allFailuresBefore(pod) && finishedAt(other) <= finishedAt(pod));
    if (isLater) latest.set(index, pod);
  }
  return latest;
}
