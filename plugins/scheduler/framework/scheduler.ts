import {
  type Clock,
  type ClusterEvent,
  type Contribution,
  type EventRecorder,
  isRefusal,
  type Logger,
  type Node,
  type NodeState,
  type Pod,
  type PodInfo,
  podInfoOf,
  type Random,
  type SchedulerContribution,
  type Timer,
  type Verdict,
} from 'kernetes/sdk';
import { BindingCycle } from './binding-cycle.ts';
import { Cache } from './cache.ts';
import { SchedulingCycle } from './cycle.ts';
import { Diagnosis } from './diagnosis.ts';
import {
  BINDINGS_IN_FLIGHT_MAX,
  OPTIONAL_GRACE_MS,
  PLUGIN_GRACE_MS,
  REMOTE_BATCH_PAIRS_MAX,
  REMOTE_BATCH_PODS_MAX,
  REPEAT_LOG_MS,
  SLICE_MS_MAX,
  SLICE_PODS_MAX,
} from './limits.ts';
import type { PodStatusWriter } from './pod-status.ts';
import { PluginFailure, type PluginSetting, Profile } from './profile.ts';
import { SchedulingQueue } from './queue.ts';
import { RemoteBatch } from './remote-batch.ts';
import { usable } from './remote-check.ts';
import { RemotePlugin } from './remote-plugin.ts';
import { Tracking } from './tracking.ts';

/**
 * The scheduler: takes pods off the queue, finds each a node, assumes it there and hands it to the
 * binding cycle. Works in slices, so that its thread can serve its messages in between. A slice
 * does not await as long as all filters and scores are local.
 */
export class Scheduler {
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly #options: SchedulerOptions;
  readonly #binding: BindingCycle;
  #profile: Profile;
  #cycle: SchedulingCycle;
  #remotes: readonly RemotePlugin[] = [];
  readonly #tracking: Tracking;
  #state: 'stopped' | 'idle' | 'waiting' | 'planned' | 'running' = 'stopped';
  #timer: Timer | undefined;
  #profileSince: number;
  /** Optional plugins that did not come: they are not waited for again. */
  #leftOut: ReadonlySet<string> = new Set();
  #logged: { readonly text: string; readonly at: number } | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#tracking = new Tracking({
      log: options.log,
      nodes: () => this.cache.nodes,
      wake: (plugin, concerns) => this.queue.wakeRefused(plugin, concerns),
    });
    this.cache = new Cache(this.#tracking);
    this.#profile = new Profile(options.plugins, []);
    this.#profileSince = options.clock.monotonic();
    this.#cycle = this.#newCycle();
    this.#binding = new BindingCycle(options.clock, {
      bound: (pod, nodeName) => this.#bound(pod, nodeName),
      failed: (pod, _node, why, plugin) => this.#bindingFailed(pod, why, plugin),
      ignored: (failure, pod) => this.#ignored(failure, pod),
    });
    this.queue = new SchedulingQueue({
      clock: options.clock,
      sort: (a, b) => this.#profile.sort(a, b),
      admits: pod => this.#admits(pod),
      wakes: (plugin, event) => this.#profile.wakes(plugin, event),
      onActive: () => this.#plan(),
    });
  }

  /** Uses these plugins from the next cycle on; pods refused by others are tried again. */
  setPlugins(contributions: readonly Contribution<SchedulerContribution>[]): void {
    const { log, clock, plugins } = this.#options;
    this.#profile = new Profile(plugins, usable(contributions, log));
    this.#profileSince = clock.monotonic();
    this.#leftOut = new Set(this.#profile.absent.filter(name => this.#leftOut.has(name)));
    this.#cycle = this.#newCycle();
    this.#remotes = this.#profile.remote.map(enabled => new RemotePlugin(enabled, clock));
    for (const name of this.#profile.misplaced()) {
      log.error("Scheduler plugin has points that work in the scheduler's own thread only", {
        plugin: name,
      });
    }
    this.#tracking.use(new Set(this.#profile.plugins.map(({ plugin }) => plugin)));
    this.queue.wakeAll();
    if (this.#state === 'waiting') {
      this.#timer?.cancel();
      this.#state = 'idle';
    }
    this.#plan();
  }

  /** Begins to schedule: the cache must know all nodes and assigned pods by now. */
  start(): void {
    if (this.#state === 'stopped') this.#state = 'idle';
    this.#plan();
  }

  stop(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#tracking.use(new Set());
    this.queue.close();
  }

  setNode(node: Node): void {
    this.#wake(this.cache.setNode(node));
  }

  removeNode(name: string): void {
    this.cache.removeNode(name);
  }

  /** A pod came in or changed. */
  setPod(pod: Pod): void {
    const { metadata, spec } = pod;
    const key = `${metadata.namespace}/${metadata.name}`;
    const nodeName = spec?.nodeName;
    if (nodeName) {
      this.queue.delete(key);
      this.#options.status.forget(key);
      if (this.cache.confirm(key, metadata.uid ?? '', nodeName)) return;
      this.cache.setPod(podInfoOf(pod), nodeName);
      this.#wake(POD_ADDED);
    } else if (metadata.deletionTimestamp || !this.#isOurs(pod)) {
      this.queue.delete(key);
    } else if (!this.cache.isAssumed(key)) {
      // An assumed pod's older versions may still arrive: it is not to be scheduled twice.
      this.#options.status.observe(key, pod);
      this.queue.set(podInfoOf(pod));
    }
  }

  removePod(pod: Pod): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    this.queue.delete(key);
    this.#options.status.forget(key);
    if (this.cache.removePod(key)) this.#wake(POD_DELETED);
  }

  #isOurs({ spec }: Pod): boolean {
    return (spec?.schedulerName || DEFAULT_NAME) === this.#options.schedulerName;
  }

  #wake(events: readonly ClusterEvent[]): void {
    for (const event of events) this.queue.wake(event);
  }

  #newCycle(): SchedulingCycle {
    const { random, percentageOfNodesToScore = 0 } = this.#options;
    return new SchedulingCycle({
      profile: this.#profile,
      cache: this.cache,
      random,
      percentageOfNodesToScore,
      onIgnored: (failure, pod) => this.#ignored(failure, pod),
    });
  }

  #admits(pod: PodInfo): boolean {
    for (const enabled of this.#profile.preEnqueues) {
      enabled.context.pod = pod;
      try {
        if (isRefusal(enabled.plugin.preEnqueue?.(enabled.context))) return false;
      } catch (error) {
        const failure = new PluginFailure(enabled.name, error);
        this.#ignored(failure, pod);
        if (!enabled.ignoresFailure) return false;
      }
    }
    return true;
  }

  #plan(): void {
    if (this.#state !== 'idle' || this.queue.counts.active === 0) return;
    if (this.#binding.inFlight >= BINDINGS_IN_FLIGHT_MAX) return;
    const graceMs = this.#graceLeftMs();
    if (graceMs > 0) {
      this.#state = 'waiting';
      this.#resumeIn(graceMs);
      return;
    }
    this.#state = 'planned';
    queueMicrotask(() => void this.#runSlice());
  }

  #resumeIn(ms: number): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#runSlice(), ms);
  }

  /** Plugins come and go one by one; half of them would place pods wrongly. */
  #graceLeftMs(): number {
    const waited = this.#options.clock.monotonic() - this.#profileSince;
    if (this.#profile.missing.length > 0) return PLUGIN_GRACE_MS - waited;
    return this.#awaited().length > 0 ? OPTIONAL_GRACE_MS - waited : 0;
  }

  #awaited(): readonly string[] {
    return this.#profile.absent.filter(name => !this.#leftOut.has(name));
  }

  /** They had their time: from here on pods are placed without them. */
  #leaveOutAwaited(): void {
    const awaited = this.#awaited();
    if (awaited.length === 0) return;
    this.#leftOut = new Set(this.#profile.absent);
    this.#options.log.warn('Optional scheduler plugins are not there: pods are placed without', {
      plugins: awaited.join(', '),
    });
  }

  async #runSlice(): Promise<void> {
    if (this.#state !== 'planned' && this.#state !== 'waiting') return;
    if (this.#graceLeftMs() > 0) {
      // Plugins went between two slices.
      this.#state = 'idle';
      this.#plan();
      return;
    }
    this.#state = 'running';
    this.#leaveOutAwaited();
    if (this.#remotes.length > 0) await this.#scheduleBatches();
    else this.#scheduleSlice();
    this.#binding.flush();
    if ((this.#state as string) !== 'running') return;
    const full = this.#binding.inFlight >= BINDINGS_IN_FLIGHT_MAX;
    if (this.queue.counts.active === 0 || full) {
      this.#state = 'idle';
    } else {
      this.#state = 'planned';
      this.#resumeIn(0);
    }
  }

  #scheduleSlice(): void {
    const { clock } = this.#options;
    const end = clock.monotonic() + SLICE_MS_MAX;
    for (let i = 0; i < SLICE_PODS_MAX; i++) {
      const queued = this.queue.pop();
      if (!queued) return;
      this.#schedule(queued.pod);
      if (this.#binding.inFlight >= BINDINGS_IN_FLIGHT_MAX || clock.monotonic() > end) return;
    }
  }

  #schedule(pod: PodInfo): void {
    if (this.#profile.missing.length > 0) {
      this.#failedWith(pod, new Error(this.#missingText()));
      return;
    }
    try {
      const found = this.#cycle.filter(pod);
      if (found instanceof Diagnosis) this.#unschedulable(pod, found);
      else this.#commit(pod, this.#cycle.select(pod, found));
    } catch (error) {
      this.#failedWith(pod, error);
    }
  }

  #missingText(): string {
    const names = this.#profile.missing.map(name => `"${name}"`).join(', ');
    return `plugins of the scheduler's profile are not there: ${names}`;
  }

  /**
   * Several pods at once, for plugins in other threads: one message to each for all. While one
   * batch is answered the next is made ready, so that both threads have work.
   */
  async #scheduleBatches(): Promise<void> {
    let current = this.#nextBatch([]);
    while (current && this.#state === 'running') {
      const next = this.#nextBatch([]);
      const again = await current.place();
      this.#binding.flush();
      if (again.length > 0) await this.#placeAlone(again);
      current = next ?? this.#nextBatch([]);
    }
  }

  /** Pods that must not wait behind others for having lost a race. */
  async #placeAlone(pods: readonly PodInfo[]): Promise<void> {
    for (let open = pods; open.length > 0 && this.#state === 'running'; ) {
      open = (await this.#nextBatch(open)?.place()) ?? [];
    }
  }

  /** A batch that begins with `pods`; undefined when there is nothing to do now. */
  #nextBatch(pods: readonly PodInfo[]): RemoteBatch | undefined {
    const batch = [...pods];
    const pairs = Math.floor(REMOTE_BATCH_PAIRS_MAX / (this.cache.nodes.length || 1));
    const podsMax = Math.max(1, Math.min(REMOTE_BATCH_PODS_MAX, pairs));
    while (batch.length < podsMax && this.#binding.inFlight < BINDINGS_IN_FLIGHT_MAX) {
      const queued = this.queue.pop();
      if (!queued) break;
      batch.push(queued.pod);
    }
    if (batch.length === 0) return undefined;
    if (this.#profile.missing.length > 0) {
      for (const pod of batch) this.#failedWith(pod, new Error(this.#missingText()));
      return undefined;
    }
    return new RemoteBatch(batch, {
      cycle: this.#cycle,
      cache: this.cache,
      remotes: this.#remotes,
      isWanted: pod => this.queue.get(pod.key)?.pod.uid === pod.uid,
      ignored: (failure, pod) => this.#ignored(failure, pod),
      chosen: (pod, node) => this.#commit(pod, node),
      refused: (pod, diagnosis) => this.#unschedulable(pod, diagnosis),
      failed: (pod, error) => this.#failedWith(pod, error),
    });
  }

  #commit(pod: PodInfo, node: NodeState): void {
    this.cache.assume(pod, node.name);
    this.#binding.begin(pod, node, this.#profile);
  }

  #bound(pod: PodInfo, nodeName: string): void {
    this.queue.done(pod.key);
    this.#options.status.forget(pod.key);
    const text = `Successfully assigned ${pod.key} to ${nodeName}`;
    this.#event(pod, 'Normal', 'Scheduled', text);
    this.#options.onAttempt?.('scheduled');
    this.#plan();
  }

  #bindingFailed(pod: PodInfo, why: Verdict | Error, plugin: string | undefined): void {
    if (this.cache.forget(pod.key)) this.#wake(POD_DELETED);
    const refusal = !(why instanceof Error) && isRefusal(why) ? why : undefined;
    const text = refusal?.reasons.join(', ');
    if (text !== undefined && plugin !== undefined) {
      this.#options.onAttempt?.('unschedulable');
      this.#report(pod, 'Unschedulable', text);
      this.queue.park(pod.key, new Set([plugin]));
    } else {
      this.#failedWith(pod, text === undefined ? why : new Error(text));
    }
    this.#plan();
  }

  #unschedulable(pod: PodInfo, diagnosis: Diagnosis): void {
    this.#options.onAttempt?.('unschedulable');
    this.#report(pod, 'Unschedulable', diagnosis.message);
    this.queue.park(pod.key, diagnosis.refusedBy);
  }

  /** Not a refusal but something that went wrong: again after the back-off. */
  #failedWith(pod: PodInfo, error: unknown): void {
    this.#options.onAttempt?.('error');
    const text = error instanceof Error ? error.message : String(error);
    const now = this.#options.clock.now();
    // What is wrong with a plugin is wrong for many pods: their events tell each, the log once.
    if (this.#logged?.text !== text || now - this.#logged.at > REPEAT_LOG_MS) {
      this.#logged = { text, at: now };
      this.#options.log.warn('Cannot schedule pod', { pod: pod.key, error });
    }
    this.#report(pod, 'SchedulerError', text);
    this.queue.retry(pod.key);
  }

  #report(pod: PodInfo, reason: 'Unschedulable' | 'SchedulerError', text: string): void {
    if (!this.queue.get(pod.key)) return;
    this.#event(pod, 'Warning', 'FailedScheduling', text);
    this.#options.status.tell(pod, reason, text);
  }

  #ignored(failure: PluginFailure, pod: PodInfo): void {
    this.#options.log.warn('Scheduler plugin failed', {
      plugin: failure.plugin,
      pod: pod.key,
      error: failure,
    });
    this.#event(pod, 'Warning', 'SchedulerPluginFailed', failure.message);
  }

  #event(pod: PodInfo, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name, uid } = pod;
    const about = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid } };
    this.#options.events.event(about, type, reason, message, {
      component: this.#options.schedulerName,
    });
  }
}

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly status: Pick<PodStatusWriter, 'tell' | 'forget' | 'observe'>;
  readonly schedulerName: string;
  readonly plugins: readonly PluginSetting[];
  readonly percentageOfNodesToScore?: number;
  onAttempt?(result: 'scheduled' | 'unschedulable' | 'error'): void;
}

const DEFAULT_NAME = 'default-scheduler';
const POD_DELETED: readonly ClusterEvent[] = ['PodDelete'];
const POD_ADDED: readonly ClusterEvent[] = ['PodAdd'];
