import { type Pod, rankForDeletion } from 'kernetes/sdk';
import { type Backoff, msUntilRetry } from './backoff.ts';
import { isSuspended } from './conditions.ts';
import { allFailuresBefore, type IndexedJob, indexesOf, type Observed } from './observe.ts';
import { finishedAt, indexOf, isTerminating, replacesFailedOnly } from './tracked-pod.ts';

/** Which pods to make or to remove: never both at once. */
export interface PodPlan {
  readonly remove: readonly Pod[];
  /** An entry for each pod: its index, if the Job is indexed. */
  readonly create: readonly (number | undefined)[];
  /** Pods are missing that may be made only then. */
  readonly waitMs?: number | undefined;
}

export interface PlanOptions {
  readonly backoff: Backoff;
  readonly now: number;
}

/** Brings the pods of a Job that goes on to the number that it wants. */
export function planPods(observed: Observed, options: PlanOptions): PodPlan {
  const { job, active, spec, indexed, terminating } = observed;
  if (isSuspended(job)) return { remove: active, create: [] };
  const wanted = wantedActive(observed);
  const remove = surplus(observed, wanted, options.now);
  if (remove.length > 0) return { remove: remove.slice(0, BURST_PODS_MAX), create: [] };
  const going = replacesFailedOnly(spec) ? terminating : 0;
  const missing = Math.min(wanted - active.length - going, BURST_PODS_MAX);
  if (missing <= 0) return NOTHING;
  if (indexed?.failed) return planIndependent(observed, indexed, { missing, ...options });
  const waitMs = msUntilRetry(options.backoff, options.now);
  if (waitMs > 0) return { ...NOTHING, waitMs };
  if (indexed) return { remove: [], create: missingIndexes(observed, indexed, missing) };
  return { remove: [], create: Array<undefined>(missing).fill(undefined) };
}

const NOTHING: PodPlan = { remove: [], create: [] };

function wantedActive({ spec, succeeded, active }: Observed): number {
  const { parallelism = 1, completions } = spec;
  // Once a pod of a work queue has succeeded, no other is begun.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

/** Pods of no index, or of one that has another, and beyond them those that are missed least. */
function surplus({ active, indexed }: Observed, wanted: number, now: number): Pod[] {
  if (!indexed && active.length <= wanted) return [];
  const ranked = rankForDeletion(active, { now, perNode: new Map() });
  const wrong = new Set(indexed && ranked.filter(isWrongAmong(ranked, indexed.completions)));
  const others = ranked.filter(pod => !wrong.has(pod));
  return [...wrong, ...others.slice(0, Math.max(0, others.length - wanted))];
}

function isWrongAmong(ranked: readonly Pod[], completions: number): (pod: Pod) => boolean {
  // The last is the one that would be missed most.
  const best = new Map(ranked.map(pod => [indexOf(pod), pod]));
  return pod => {
    const index = indexOf(pod);
    return index === undefined || index >= completions || best.get(index) !== pod;
  };
}

function missingIndexes({ spec, pods, active }: Observed, indexed: IndexedJob, count: number) {
  let taken = indexed.succeeded.union(indexesOf(active));
  if (indexed.failed) taken = taken.union(indexed.failed);
  if (replacesFailedOnly(spec)) taken = taken.union(indexesOf(pods.filter(isTerminating)));
  return taken.missing(count, indexed.completions);
}

/** With a limit for each index, each waits for itself after its own failures. */
function planIndependent(
  observed: Observed,
  indexed: IndexedJob,
  { missing, now }: { readonly missing: number; readonly now: number },
): PodPlan {
  const waits = missingIndexes(observed, indexed, missing).map(index => {
    const last = indexed.replaceable.get(index);
    const failures = last ? allFailuresBefore(last) + 1 : 0;
    const lastFailureAt = last ? finishedAt(last) : 0;
    return { index, ms: msUntilRetry({ failures, lastFailureAt }, now) };
  });
  const later = waits.filter(({ ms }) => ms > 0).map(({ ms }) => ms);
  return {
    remove: [],
    create: waits.filter(({ ms }) => ms === 0).map(({ index }) => index),
    ...(later.length > 0 && { waitMs: Math.min(...later) }),
  };
}

/** Upstream's: so many in one go; the rest follows when the copy has caught up. */
const BURST_PODS_MAX = 500;
