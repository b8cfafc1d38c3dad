import { isDeepStrictEqual } from 'node:util';
import {
  CATCH_UP_MS,
  type Clock,
  claim,
  controllerOf,
  Expectations,
  formatKey,
  Job,
  type JobCondition,
  type JobStatus,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  selectorFrom,
  toTime,
  UnclearWrites,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import { account, finished, heldUids, settle, withCounts, withOutcome } from './account.ts';
import { type Backoff, NO_BACKOFF, nextBackoff } from './backoff.ts';
import { conditionOf, isFinished, isManagedElsewhere, isSuspended } from './conditions.ts';
import { countedPods, type Observed, observe } from './observe.ts';
import { completion, isComplete, msUntilDeadline, outcomeOf } from './outcome.ts';
import { applyPlan, type PodCounts, releasePods, releaseStrays, removeActive } from './pods.ts';
import { planPods } from './scale.ts';
import { suspension } from './suspension.ts';
import { tellEnd, tellSuspension } from './tell.ts';
import { isLost, TRACKING_FINALIZER } from './tracked-pod.ts';

export type Context = ReconcileContext<Job, unknown>;

/** Runs the pods of one Job until it has ended, and counts them. */
export class JobReconciler {
  readonly #pods: Expectations<Pod>;
  readonly #jobs: Expectations<Job>;
  readonly #unclear: UnclearWrites<Pod>;
  /** By the Job's key; another Job may have it, before the end of the first is seen. */
  readonly #backoffs = new Map<string, { readonly uid: string; readonly backoff: Backoff }>();

  constructor(clock: Clock) {
    this.#pods = new Expectations(clock);
    this.#unclear = new UnclearWrites(Pod, this.#pods);
    this.#jobs = new Expectations(clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const { object: job, objects } = context;
    await releaseStrays(await straysOf(key, context), objects);
    if (isLost(key)) return undefined;
    const owner = formatKey(key);
    if (!job || isFinished(job) || isManagedElsewhere(job)) {
      this.#forget(owner);
      return undefined;
    }
    await this.#unclear.clear(owner, selectorFrom(job.spec?.selector), context);
    // What we did must be in both copies, or a pod might be made or counted twice.
    const isSeen =
      this.#pods.satisfied(owner, context.informer(Pod)) &&
      this.#jobs.satisfied(owner, context.informer(Job));
    return isSeen ? this.#sync(job, owner, context) : { requeueAfter: CATCH_UP_MS };
  }

  #forget(owner: string): void {
    this.#pods.forget(owner);
    this.#jobs.forget(owner);
    this.#unclear.forget(owner);
    this.#backoffs.delete(owner);
  }

  async #sync(job: Job, owner: string, context: Context): Promise<ReconcileResult> {
    const now = context.clock.now();
    const observed = observe(job, await podsOf(job, context));
    const startTime = startTimeOf(job, now);
    const times = { now, startedAt: startTime === undefined ? undefined : Date.parse(startTime) };
    const backoff = nextBackoff(this.#lastBackoff(owner, observed), {
      succeeded: observed.newlySucceeded,
      failed: observed.newlyFailed,
    });
    const decided = outcomeOf(observed, times);
    const isKept = !decided && !job.metadata.deletionTimestamp;
    const plan = isKept ? planPods(observed, { backoff, now }) : { remove: [], create: [] };
    const control = this.#control(owner, context);
    const counts = decided
      ? await removeActive(observed, control)
      : await applyPlan(observed, plan, control);
    if (counts.error) this.#unclear.failed(owner, counts.error);
    const outcome = decidedBy(observed, { decided, counts, now });
    const draft = draftStatus(observed, counts, startTime);
    const suspended = isKept && !outcome ? suspension(job, now) : undefined;
    const status = suspended ? { ...draft, conditions: suspended } : draft;
    await this.#count(observed, withOutcome(status, outcome), { outcome, backoff, owner, context });
    const isOver = decided ?? outcome;
    const waits = isOver ? [] : [plan.waitMs, msUntilDeadline(observed, times)];
    return requeue(waits, counts.error);
  }

  /** After a restart: as far as the pods that are there tell it. */
  #lastBackoff(owner: string, observed: Observed): Backoff {
    const known = this.#backoffs.get(owner);
    if (known && known.uid === observed.job.metadata.uid) return known.backoff;
    return nextBackoff(NO_BACKOFF, countedPods(observed));
  }

  #control(owner: string, { objects, events }: Context) {
    return { objects, events, owner, expectations: this.#pods };
  }

  /** See `account` for the order, which no crash may find out of. */
  async #count(observed: Observed, draft: JobStatus, options: CountOptions): Promise<void> {
    const { outcome, backoff, owner, context } = options;
    const { status, release, isCut } = account(observed, draft, outcome);
    const written = await this.#write(observed.job, status, options);
    this.#backoffs.set(owner, { uid: written.metadata.uid ?? '', backoff });
    tellSuspension(observed.job, written, context);
    const { released, error } = await releasePods(release, this.#control(owner, context));
    const held = heldUids(observed.pods);
    for (const uid of released) held.delete(uid);
    const settled = settle(written.status ?? {}, held);
    const isOver = outcome && !isCut && !error;
    const end = isOver ? finished(settled, outcome, context.clock.now()) : settled;
    const ended = await this.#write(written, end, options);
    if (isFinished(ended)) tellEnd(ended, context);
    if (error) throw error;
  }

  async #write(job: Job, status: JobStatus, { owner, context }: CountOptions): Promise<Job> {
    if (isDeepStrictEqual(job.status, status)) return job;
    const written = await context.objects.updateStatus(Job, { ...job, status });
    this.#jobs.wrote(owner, written);
    return written;
  }
}

interface CountOptions {
  readonly outcome: JobCondition | undefined;
  readonly backoff: Backoff;
  readonly owner: string;
  readonly context: Context;
}

/** Pods that are held for a Job that does not count them: it has ended, is gone, or was another. */
async function straysOf(key: ObjectKey, { object: job, informer, objects }: Context) {
  const held = informer(Pod).byIndex('tracked', formatKey(key));
  if (isLost(key) || held.length === 0) return held;
  const isOf = (pod: Pod, owner: Job | undefined) =>
    owner !== undefined && controllerOf(pod)?.uid === owner.metadata.uid;
  const own = job ? held.filter(pod => isOf(pod, job) && !isCaredFor(pod, job)) : [];
  const others = held.filter(pod => !isOf(pod, job));
  if (others.length === 0) return own;
  // Their Job may be there, our copy being behind: then it will still count them.
  const newest = await objects.get(Job, key).catch(undefinedIfNotFound);
  return [...own, ...others.filter(pod => !isOf(pod, newest))];
}

function isCaredFor({ metadata }: Pod, job: Job): boolean {
  if (isManagedElsewhere(job)) return true;
  if (isFinished(job)) return false;
  // A Job that goes releases nothing: what it selects no more is in nobody's care.
  const isGoing = job.metadata.deletionTimestamp !== undefined;
  return !isGoing || selectorFrom(job.spec?.selector).matches(metadata.labels);
}

function podsOf(job: Job, context: Context): Promise<Pod[]> {
  return claim({
    objects: context.objects,
    ownerKind: Job,
    owner: job,
    selector: selectorFrom(job.spec?.selector),
    kind: Pod,
    owned: context.owned(Pod),
    orphans: context.orphans(Pod),
    finalizer: TRACKING_FINALIZER,
  });
}

/** The time that a Job is suspended does not count: it begins anew when it is resumed. */
function startTimeOf(job: Job, now: number): string | undefined {
  const { startTime, conditions } = job.status ?? {};
  if (isSuspended(job)) return startTime;
  return conditionOf(conditions, 'Suspended') ? toTime(now) : (startTime ?? toTime(now));
}

interface Decision {
  readonly decided: JobCondition | undefined;
  readonly counts: PodCounts;
  readonly now: number;
}

/** Nothing is decided while pods run that should not. */
function decidedBy(observed: Observed, { decided, counts, now }: Decision) {
  if (decided) return counts.error ? undefined : decided;
  return isComplete(observed, counts.active) ? completion(now) : undefined;
}

function draftStatus(
  { status }: Observed,
  { active, ready, terminating }: PodCounts,
  startTime: string | undefined,
): JobStatus {
  const times = startTime === undefined ? {} : { startTime };
  return { ...withCounts(status, { active }), ...times, ready, terminating };
}

/** A deadline passes, too, while pods cannot be made. */
function requeue(waits: readonly (number | undefined)[], error: unknown): ReconcileResult {
  const known = waits.filter(ms => ms !== undefined);
  if (known.length > 0) return { requeueAfter: Math.max(0, Math.min(...known)), error };
  if (error !== undefined) throw error;
  return undefined;
}
