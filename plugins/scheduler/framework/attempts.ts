import { type Clock, isRefusal, type NodeState, type PodInfo, type Verdict } from 'kernetes/sdk';
import { BindingCycle } from './binding/binding-cycle.ts';
import type { Cache } from './cache.ts';
import { Diagnosis } from './cycle/diagnosis.ts';
import {
  BINDINGS_IN_FLIGHT_MAX,
  REMOTE_BATCH_PAIRS_MAX,
  REMOTE_BATCH_PODS_MAX,
  SLICE_MS_MAX,
  SLICE_PODS_MAX,
} from './limits.ts';
import type { Outcomes } from './outcomes.ts';
import type { PodStatusWriter } from './pod-status.ts';
import type { Nominator } from './preemption/nominator.ts';
import { PostFilterLine, type PostFilterOutcome } from './preemption/post-filter.ts';
import type { Profiles, RunningProfile } from './profile/profiles.ts';
import type { SchedulingQueue } from './queue/queue.ts';
import { RemoteBatch } from './remote/batch.ts';
import type { Wakes } from './scheduler.ts';
import type { Tracking } from './tracking.ts';

/**
 * Takes pods off the queue, finds each a node, assumes it there and hands it to the binding cycle;
 * what comes back goes to the queue again. Each pod is in one place at any time: in the queue's
 * "scheduling" until it is bound, parked or put back.
 */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #binding: BindingCycle;
  readonly #postFilters: PostFilterLine;

  constructor(options: AttemptsOptions) {
    const { clock, cache, nominator, outcomes } = options;
    this.#options = options;
    this.#binding = new BindingCycle(clock, {
      bound: (pod, nodeName) => this.#bound(pod, nodeName),
      failed: (pod, node, why, plugin) => this.#bindingFailed(pod, node, why, plugin),
      ignored: (failure, pod) => outcomes.ignored(failure, pod),
      isThere: node => cache.node(node.name) === node,
    });
    this.#postFilters = new PostFilterLine({
      ...{ clock, cache, nominator },
      isCurrent: (pod, running) => this.#isWanted(pod) && this.#runningOf(pod) === running,
      again: pod => this.#options.queue.again(pod.key),
      settled: (pod, diagnosis, outcome) => this.#roomMade(pod, diagnosis, outcome),
      failed: (pod, error) => this.#failed(pod, error),
      ignored: (failure, pod) => outcomes.ignored(failure, pod),
      cleared: pods => this.#clearNominations(pods),
      reject: pod => this.#binding.reject(pod),
    });
  }

  /** Pods on their way to be bound. */
  get inFlight(): number {
    return this.#binding.inFlight;
  }

  /** Waiting for plugins that are gone makes no sense. */
  pluginsChanged(): void {
    this.#binding.keepWaitingFor(this.#options.profiles.names());
  }

  /** The pod needs no node any more. */
  cancel(key: string, why: string): void {
    this.#binding.cancel(key, why);
  }

  stop(): void {
    this.#binding.stop();
    this.#postFilters.stop();
  }

  /** Tries pods until there are none, the bindings are too many, or others need the thread. */
  async runSlice(goesOn: () => boolean): Promise<void> {
    let hasRemotes = false;
    for (const { remotes } of this.#options.profiles.all) hasRemotes ||= remotes.length > 0;
    if (hasRemotes) await this.#scheduleBatches(goesOn);
    else this.#scheduleSlice();
    this.#binding.flush();
  }

  #scheduleSlice(): void {
    const { clock, queue, outcomes } = this.#options;
    const end = clock.monotonic() + SLICE_MS_MAX;
    for (let i = 0; i < SLICE_PODS_MAX; i++) {
      const queued = queue.pop();
      if (!queued) return;
      outcomes.begin(queued.pod);
      this.#schedule(queued.pod, this.#runningOf(queued.pod));
      if (this.#binding.inFlight >= BINDINGS_IN_FLIGHT_MAX || clock.monotonic() > end) return;
    }
  }

  #runningOf(pod: PodInfo): RunningProfile | undefined {
    return this.#options.profiles.named(pod.spec.schedulerName);
  }

  #schedule(pod: PodInfo, running: RunningProfile | undefined): void {
    if (!this.#isUsable(pod, running)) return;
    try {
      const { cycle } = running;
      const found = cycle.filter(pod);
      if (found instanceof Diagnosis) this.#unschedulable(pod, found, running);
      else this.#commit(pod, cycle.select(pod, found), running);
    } catch (error) {
      this.#failed(pod, error);
    }
  }

  #isUsable(pod: PodInfo, running: RunningProfile | undefined): running is RunningProfile {
    const { profiles, tracking } = this.#options;
    if (!running) {
      this.#failed(pod, new Error(`there is no profile "${pod.spec.schedulerName}"`));
      return false;
    }
    const trouble = profiles.trouble(running) ?? tracking.troubleOf(running.profile.plugins);
    if (trouble !== undefined) this.#failed(pod, new Error(trouble));
    return trouble === undefined;
  }

  /**
   * Several pods at once, for plugins in other threads: one message to each for all. While one
   * batch is answered the next is made ready, so that both threads have work.
   */
  async #scheduleBatches(goesOn: () => boolean): Promise<void> {
    let current = this.#nextBatch([]);
    while (current && goesOn()) {
      const next = this.#nextBatch([]);
      const again = await current.place();
      this.#binding.flush();
      if (again.length > 0) await this.#placeAlone(again, goesOn);
      current = next ?? this.#nextBatch([]);
    }
  }

  /** Pods that must not wait behind others for having lost a race. */
  async #placeAlone(pods: readonly PodInfo[], goesOn: () => boolean): Promise<void> {
    for (let open = pods; open.length > 0 && goesOn(); ) {
      open = (await this.#nextBatch(open)?.place()) ?? [];
    }
  }

  /** A batch that begins with `pods`; undefined when there is nothing to do now. */
  #nextBatch(pods: readonly PodInfo[]): RemoteBatch | undefined {
    const batch = pods.filter(pod => this.#isUsable(pod, this.#runningOf(pod)));
    let running = batch[0] && this.#runningOf(batch[0]);
    while (batch.length < this.#podsMax && this.#binding.inFlight < BINDINGS_IN_FLIGHT_MAX) {
      const pod = this.#options.queue.pop()?.pod;
      if (!pod) break;
      this.#options.outcomes.begin(pod);
      const own = this.#runningOf(pod);
      if (!own || own.remotes.length === 0) {
        this.#schedule(pod, own);
      } else if (running && own !== running) {
        // It begins the next batch.
        this.#options.queue.again(pod.key);
        break;
      } else if (this.#isUsable(pod, own)) {
        running = own;
        batch.push(pod);
      }
    }
    return running && this.#batchOf(batch, running);
  }

  get #podsMax(): number {
    const pairs = Math.floor(REMOTE_BATCH_PAIRS_MAX / (this.#options.cache.nodes.length || 1));
    return Math.max(1, Math.min(REMOTE_BATCH_PODS_MAX, pairs));
  }

  #batchOf(pods: readonly PodInfo[], running: RunningProfile): RemoteBatch {
    const { cache, outcomes } = this.#options;
    return new RemoteBatch(pods, {
      ...{ cycle: running.cycle, cache, remotes: running.remotes },
      isWanted: pod => this.#isWanted(pod),
      ignored: (failure, pod) => outcomes.ignored(failure, pod),
      chosen: (pod, node) => this.#commit(pod, node, running),
      refused: (pod, diagnosis) => this.#unschedulable(pod, diagnosis, running),
      failed: (pod, error) => this.#failed(pod, error),
    });
  }

  #isWanted({ key, uid }: PodInfo): boolean {
    return this.#options.queue.get(key)?.pod.uid === uid;
  }

  /** Of a pod that is gone nothing is told. */
  #hasOutcome(pod: PodInfo): boolean {
    if (this.#isWanted(pod)) return true;
    this.#options.outcomes.drop(pod);
    return false;
  }

  #commit(pod: PodInfo, node: NodeState, { profile }: RunningProfile): void {
    const { cache, nominator, outcomes } = this.#options;
    cache.assume(pod, node.name);
    nominator.putAside(pod.key);
    outcomes.chosen(pod, node.name);
    this.#binding.begin(pod, node, profile);
  }

  #bound(pod: PodInfo, nodeName: string): void {
    const { queue, nominator, outcomes, onSettled } = this.#options;
    const waiting = queue.get(pod.key);
    if (waiting && waiting.pod.uid !== pod.uid) {
      // It went while it was bound, and another of that name came.
      outcomes.drop(pod);
    } else {
      queue.delete(pod.key);
      nominator.forget(pod.key);
      outcomes.scheduled(pod, nodeName);
    }
    onSettled();
  }

  #bindingFailed(
    pod: PodInfo,
    node: NodeState,
    why: Verdict | Error,
    plugin: string | undefined,
  ): void {
    const { cache, queue, nominator, outcomes, wake, onSettled } = this.#options;
    cache.forget(pod);
    nominator.putBack(pod);
    const refusal = !(why instanceof Error) && isRefusal(why) ? why : undefined;
    if (refusal && plugin !== undefined) {
      // Upstream tells of it as of a cluster of one node.
      const reasons = refusal.reasons.map(reason => `1 ${reason}`).join(', ');
      if (this.#isWanted(pod)) {
        outcomes.unschedulable(pod, `0/1 nodes are available: ${reasons}.`);
        queue.park(pod.key, new Set([plugin]));
      }
    } else {
      this.#failed(pod, why instanceof Error ? why : new Error(refusal?.reasons.join(', ')));
    }
    // Also when it is gone: what plugins had reserved for it is free only now.
    wake('PodDelete', node, pod);
    onSettled();
  }

  #unschedulable(pod: PodInfo, diagnosis: Diagnosis, running: RunningProfile): void {
    if (running.profile.postFilters.length > 0 && diagnosis.nodeCount > 0) {
      this.#options.outcomes.makingRoom();
      this.#postFilters.add(pod, diagnosis, running);
    } else {
      this.#park(pod, diagnosis, diagnosis.message);
    }
  }

  /** The postFilters had their say. */
  #roomMade(pod: PodInfo, diagnosis: Diagnosis, { nominated, text }: PostFilterOutcome): void {
    const { nominator } = this.#options;
    if (!this.#hasOutcome(pod)) return;
    // What the API has, not what was told it: that may have been lost.
    const before = nominator.observedNode(pod.key);
    if (nominated) nominator.nominate(pod, nominated);
    else if (nominated === '') nominator.clear(pod.key);
    const news = before === nominated ? undefined : nominated;
    const { message } = diagnosis;
    this.#park(pod, diagnosis, text === '' ? message : `${message} ${text}`, news);
  }

  #park(pod: PodInfo, diagnosis: Diagnosis, message: string, nominated?: string): void {
    if (!this.#hasOutcome(pod)) return;
    this.#options.outcomes.unschedulable(pod, message, nominated);
    this.#options.queue.park(pod.key, diagnosis.refusedBy);
  }

  #clearNominations(pods: readonly PodInfo[]): void {
    const { nominator, queue, status } = this.#options;
    for (const pod of pods) {
      if (!nominator.clear(pod.key)) continue;
      status.nominate(pod, '');
      queue.wakeOne(pod.key);
    }
  }

  /** Not a refusal but something that went wrong: again after the back-off. */
  #failed(pod: PodInfo, error: unknown): void {
    if (!this.#hasOutcome(pod)) return;
    this.#options.outcomes.failed(pod, error);
    this.#options.queue.retry(pod.key);
  }
}

export interface AttemptsOptions {
  readonly clock: Clock;
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  readonly profiles: Profiles;
  readonly outcomes: Outcomes;
  readonly tracking: Tracking;
  readonly status: Pick<PodStatusWriter, 'nominate'>;
  readonly wake: Wakes;
  /** A binding ended: there may be room to go on. */
  onSettled(): void;
}
