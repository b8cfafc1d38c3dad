import {
  type BatchResult,
  type Disposer,
  deleteRequest,
  disruptionTarget,
  type Informer,
  type ObjectRequest,
  type PluginContext,
  Pod,
  type PodInfo,
  type PreemptionChoice,
  patchRequest,
  toTime,
  type Wake,
} from 'kernetes/sdk';

/** Reason of the condition by which a victim says why it goes. */
export const PREEMPTED = 'PreemptionByScheduler';

/** Requests that go to the API together: more would keep others waiting. */
const REQUESTS_MAX = 500;

type EvictionsContext = Pick<PluginContext, 'objects' | 'clock' | 'log' | 'events' | 'metrics'>;

/** What an eviction asks of the scheduler. */
export interface EvictionHooks {
  /** Takes a pod that is not bound yet off its node: it need not be deleted. */
  reject(victim: PodInfo): boolean;
  /** Not all requests were granted. */
  onFailure(): void;
}

/** Room that is made for a pod. */
interface Job {
  readonly preemptor: PodInfo;
  readonly nodeName: string;
  readonly victims: readonly PodInfo[];
  readonly onFailure: () => void;
}

/**
 * Deletes victims, off the scheduling path and all of one moment together: first the condition that
 * says why, so that whoever made them learns it, then the pod.
 */
export class Evictions {
  readonly #ctx: EvictionsContext;
  readonly #victims: { add(count: number): void };
  #pending: Job[] = [];
  /** Uids of pods for which requests are to be made, or being made. */
  readonly #running = new Set<string>();
  /** Uids of victims that the copy does not yet show as deleted. */
  readonly #evicted = new Set<string>();
  readonly #wakes = new Set<Wake>();

  constructor(ctx: EvictionsContext, pods: Informer<Pod>) {
    this.#ctx = ctx;
    this.#victims = ctx.metrics.counter('preemption_victims_total', 'Pods that made room');
    const seen = ({ metadata: { uid = '' } }: Pod) => this.#evicted.delete(uid);
    pods.on({
      updated: pod => {
        if (pod.metadata.deletionTimestamp) seen(pod);
      },
      deleted: seen,
    });
  }

  /** Whether the pod waits for requests that make room for it. */
  isRunningFor({ uid }: PodInfo): boolean {
    return this.#running.has(uid);
  }

  /** It goes, though its `PodInfo` may not say so yet. */
  isEvicted({ uid }: PodInfo): boolean {
    return this.#evicted.has(uid);
  }

  /** Called when the requests for a pod are made: it may be tried again. */
  onSettled(wake: Wake): Disposer {
    this.#wakes.add(wake);
    return () => void this.#wakes.delete(wake);
  }

  evict(
    preemptor: PodInfo,
    { nodeName, victims }: PreemptionChoice,
    { reject, onFailure }: EvictionHooks,
  ): void {
    this.#victims.add(victims.length);
    const left: PodInfo[] = [];
    for (const victim of victims) {
      if (victim.terminating || this.#evicted.has(victim.uid)) continue;
      if (reject(victim)) this.#tell({ preemptor, victim, nodeName });
      else left.push(victim);
    }
    if (left.length === 0) return;
    for (const { uid } of left) this.#evicted.add(uid);
    this.#running.add(preemptor.uid);
    this.#pending.push({ preemptor, nodeName, victims: left, onFailure });
    if (this.#pending.length === 1) this.#ctx.clock.setTimeout(() => void this.#flush(), 0);
  }

  async #flush(): Promise<void> {
    const jobs = this.#pending;
    this.#pending = [];
    const failed = await this.#run(jobs);
    for (const { preemptor, onFailure } of jobs) {
      this.#running.delete(preemptor.uid);
      if (failed.has(preemptor.uid)) onFailure();
    }
    const preemptors = new Set(jobs.map(({ preemptor }) => preemptor.uid));
    for (const wake of this.#wakes) wake(({ uid }) => preemptors.has(uid));
  }

  /** Gives the uids of the pods for which not all went well. */
  async #run(jobs: readonly Job[]): Promise<ReadonlySet<string>> {
    const evictions = jobs.flatMap(job => job.victims.map(victim => ({ ...job, victim })));
    const failed = new Set<string>();
    const settle = (all: readonly Eviction[], results: readonly BatchResult[]) =>
      all.filter((eviction, i) => this.#isDone(eviction, results[i] as BatchResult, failed));
    const now = toTime(this.#ctx.clock.now());
    try {
      const announced = await this.#batch(evictions.map(each => announcement(each, now)));
      const open = settle(evictions, announced);
      const deleted = await this.#batch(open.map(deletion));
      for (const eviction of settle(open, deleted)) this.#tell(eviction);
    } catch (error) {
      this.#ctx.log.warn('Cannot preempt pods', { pods: evictions.length, error });
      for (const { preemptor, victim } of evictions) {
        failed.add(preemptor.uid);
        this.#evicted.delete(victim.uid);
      }
    }
    return failed;
  }

  async #batch(requests: readonly ObjectRequest[]): Promise<BatchResult[]> {
    const results: BatchResult[] = [];
    for (let from = 0; from < requests.length; from += REQUESTS_MAX) {
      const part = requests.slice(from, from + REQUESTS_MAX);
      results.push(...(await this.#ctx.objects.batch(part)));
    }
    return results;
  }

  #isDone({ preemptor, victim }: Eviction, result: BatchResult, failed: Set<string>): boolean {
    if (result.ok) return true;
    this.#evicted.delete(victim.uid);
    const { error } = result;
    // Gone, or another pod of that name: there is room already.
    if (error.reason === 'NotFound' || error.reason === 'Conflict') return false;
    this.#ctx.log.warn('Cannot preempt pod', { pod: victim.key, for: preemptor.key, error });
    failed.add(preemptor.uid);
    return false;
  }

  #tell({
    preemptor,
    victim,
    nodeName,
  }: Pick<Eviction, 'preemptor' | 'victim' | 'nodeName'>): void {
    const { namespace, name, uid } = victim;
    const about = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid } };
    const text = `Preempted by pod ${preemptor.uid} on node ${nodeName}`;
    const component = schedulerOf(preemptor);
    this.#ctx.events.event(about, 'Normal', 'Preempted', text, { component });
  }
}

interface Eviction extends Job {
  readonly victim: PodInfo;
}

function announcement({ preemptor, victim }: Eviction, now: string): ObjectRequest {
  const { namespace, name, uid } = victim;
  const message = `${schedulerOf(preemptor)}: preempting to accommodate a higher priority pod`;
  const conditions = [disruptionTarget({ reason: PREEMPTED, message }, now)];
  const patch = { metadata: { uid }, status: { conditions } };
  const type = 'application/strategic-merge-patch+json';
  return patchRequest(Pod, { namespace, name }, patch, { type, subresource: 'status' });
}

function deletion({ victim: { namespace, name, uid } }: Eviction): ObjectRequest {
  return deleteRequest(Pod, { namespace, name }, { preconditions: { uid } });
}

function schedulerOf({ spec }: PodInfo): string {
  return spec.schedulerName || 'default-scheduler';
}
