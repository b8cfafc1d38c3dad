import {
  type Clock,
  type ClusterEvent,
  type Contribution,
  type EventRecorder,
  isRefusal,
  type Logger,
  type Node,
  type NodeInfo,
  type Pod,
  type PodInfo,
  podInfoOf,
  type Random,
  type SchedulerContribution,
  type Timer,
} from 'kernetes/sdk';
import { Attempts } from './attempts.ts';
import { Cache } from './cache.ts';
import { AttemptRecorder, statusOf } from './explanation/attempt-record.ts';
import { BINDINGS_IN_FLIGHT_MAX } from './limits.ts';
import { Outcomes, type OutcomesOptions } from './outcomes.ts';
import { Nominator } from './preemption/nominator.ts';
import { keepArgs } from './profile/complete-args.ts';
import type { CompleteArgs } from './profile/instances.ts';
import { PluginFailure, type ProfileSettings } from './profile/profile.ts';
import { Profiles } from './profile/profiles.ts';
import type { BackoffTimes } from './queue/backoff-queue.ts';
import { SchedulingQueue } from './queue/queue.ts';
import { Tracking } from './tracking.ts';

/**
 * The scheduler: hears what there is and what changes, holds the queue of pods that want a node,
 * and has them tried (attempts.ts). Works in slices, so that its thread can serve its messages in
 * between. A slice does not await as long as all filters and scores are local.
 */
export class Scheduler {
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly nominator = new Nominator();
  readonly profiles: Profiles;
  /** What happened to pods, for those who ask. */
  readonly recorder: AttemptRecorder | undefined = undefined;
  readonly #options: SchedulerOptions;
  readonly #outcomes: Outcomes;
  readonly #attempts: Attempts;
  readonly #tracking: Tracking;
  #state: 'stopped' | 'idle' | 'planned' | 'running' = 'stopped';
  #timer: Timer | undefined;
  #graceTimer: Timer | undefined;

  constructor(options: SchedulerOptions) {
    const { clock, log, random, metrics } = options;
    this.#options = options;
    this.#tracking = new Tracking({
      log,
      nodes: () => this.cache.nodes,
      wake: (plugin, concerns) => this.queue.wakeRefused(plugin, concerns),
    });
    this.cache = new Cache(this.#tracking);
    const recorder = new AttemptRecorder({
      now: () => clock.now(),
      statusOf: key => statusOf(this.queue.get(key)),
    });
    if (options.records !== false) this.recorder = recorder;
    this.#outcomes = new Outcomes({
      ...options,
      ...(this.recorder && { recorder }),
      numberOf: ({ key }) => this.queue.get(key)?.attempts ?? 1,
    });
    this.profiles = new Profiles({
      ...{ clock, log, random, cache: this.cache, nominations: this.nominator },
      ...(this.recorder && { recorder }),
      ...(options.plain && { plain: true }),
      settings: options.profiles,
      completeArgs: options.completeArgs ?? keepArgs,
      onIgnored: (failure, pod) => this.#outcomes.ignored(failure, pod),
      onHintFailure: (plugin, error) =>
        log.warn('Scheduler plugin failed to say whether a pod may fit', { plugin, error }),
    });
    this.queue = new SchedulingQueue({
      clock,
      ...(options.backoff && { backoff: options.backoff }),
      sort: (a, b) => this.profiles.sort(a, b),
      gate: pod => this.#gate(pod),
      listens: (plugin, event) => this.profiles.listens(plugin, event),
      fits: (plugin, change) => this.profiles.fits(plugin, change),
      onActive: () => this.#plan(),
      ...(metrics && { onMove: () => metrics.queueChanged(this.queue.counts) }),
    });
    this.#attempts = new Attempts({
      ...{ clock, cache: this.cache, queue: this.queue, nominator: this.nominator },
      ...{ profiles: this.profiles, outcomes: this.#outcomes, tracking: this.#tracking },
      status: options.status,
      onSettled: () => this.#plan(),
      wake: (event, node, pod) => this.queue.wake(event, node, pod),
    });
  }

  /** Uses these plugins from the next cycle on; pods refused by others are tried again. */
  setPlugins(contributions: readonly Contribution<SchedulerContribution>[]): void {
    this.profiles.use(contributions);
    this.#tracking.use(this.profiles.instances());
    this.#attempts.pluginsChanged();
    this.#graceTimer?.cancel();
    this.#graceTimer = undefined;
    this.queue.wakeAll();
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
    this.#graceTimer?.cancel();
    this.#tracking.use(new Set());
    this.#attempts.stop();
    this.#options.metrics?.close();
    this.queue.close();
  }

  setNode(node: Node): void {
    const events = this.cache.setNode(node);
    if (events.length === 0) return;
    const state = this.cache.node(node.metadata.name ?? '');
    for (const event of events) this.queue.wake(event, state);
  }

  removeNode(name: string): void {
    this.cache.removeNode(name);
  }

  /** A pod came in or changed. */
  setPod(pod: Pod): void {
    const { metadata, spec } = pod;
    const key = `${metadata.namespace}/${metadata.name}`;
    if (spec?.nodeName) {
      this.#setAssigned(key, pod, spec.nodeName);
    } else if (metadata.deletionTimestamp || !this.profiles.named(spec?.schedulerName)) {
      this.#leave(key, 'is being deleted');
    } else {
      const info = podInfoOf(pod);
      const left = this.nominator.observe(info, pod.status?.nominatedNodeName ?? '');
      // To others it was as if it ran there.
      if (left) this.queue.wake('PodDelete', this.cache.node(left), info);
      // An assumed pod's older versions may still arrive: it is not to be scheduled twice.
      if (this.cache.isAssumed(key)) {
        this.nominator.putAside(key);
        return;
      }
      this.#options.status.observe(key, pod);
      this.queue.set(info);
    }
  }

  removePod(pod: Pod): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    this.#leave(key, 'was deleted');
    this.#options.status.forget(key);
    this.recorder?.forget(key);
    const placed = this.cache.pod(key);
    if (!placed) return;
    this.cache.removePod(key);
    this.queue.wake('PodDelete', this.cache.node(placed.nodeName), placed.pod);
  }

  /** It has a node: by a binding that was begun here, or by somebody else's. */
  #setAssigned(key: string, pod: Pod, nodeName: string): void {
    this.queue.delete(key);
    this.nominator.forget(key);
    this.#options.status.forget(key);
    const before = this.cache.pod(key);
    const wasAssumed = this.cache.isAssumed(key);
    const node = this.cache.node(nodeName);
    if (before && this.cache.confirm(key, pod, nodeName)) {
      this.queue.wake('PodAdd', node, before.pod);
      return;
    }
    const info = podInfoOf(pod);
    this.cache.setPod(info, nodeName);
    const isSame = before?.pod.uid === info.uid && before.nodeName === nodeName;
    if (before && !isSame) {
      this.queue.wake('PodDelete', this.cache.node(before.nodeName), before.pod);
    }
    if (!isSame || wasAssumed) this.queue.wake('PodAdd', node, info);
    else if (before && mayFreeRoom(before.pod, info)) this.queue.wake('PodUpdate', node, info);
  }

  /** The pod wants no node any more; what was promised to it is free. */
  #leave(key: string, why: string): void {
    this.queue.delete(key);
    this.#attempts.cancel(key, why);
    const nomination = this.nominator.forget(key);
    if (nomination) {
      this.queue.wake('PodDelete', this.cache.node(nomination.nodeName), nomination.pod);
    }
  }

  /** Who keeps the pod out of the active queue. */
  #gate(pod: PodInfo): string | undefined {
    const running = this.profiles.named(pod.spec.schedulerName);
    if (!running) return undefined;
    const graceMs = this.profiles.graceLeftMs(running);
    if (graceMs > 0) {
      this.#endGraceIn(graceMs);
      return HELD;
    }
    for (const enabled of running.profile.preEnqueues) {
      enabled.context.pod = pod;
      try {
        if (isRefusal(enabled.plugin.preEnqueue?.(enabled.context))) return enabled.name;
      } catch (error) {
        this.#outcomes.ignored(new PluginFailure(enabled.name, error), pod);
        if (!enabled.ignoresFailure) return enabled.name;
      }
    }
    return undefined;
  }

  /** Pods held because plugins are missing are asked about again: these had their time. */
  #endGraceIn(ms: number): void {
    this.#graceTimer ??= this.#options.clock.setTimeout(() => {
      this.#graceTimer = undefined;
      this.queue.wakeRefused(HELD);
    }, ms);
  }

  #plan(): void {
    if (this.#state !== 'idle' || this.queue.counts.active === 0) return;
    if (this.#attempts.inFlight >= BINDINGS_IN_FLIGHT_MAX) return;
    this.#state = 'planned';
    queueMicrotask(() => void this.#runSlice());
  }

  async #runSlice(): Promise<void> {
    if (this.#state !== 'planned') return;
    this.#state = 'running';
    this.profiles.leaveOutAbsent();
    await this.#attempts.runSlice(() => this.#state === 'running');
    if ((this.#state as string) !== 'running') return;
    const full = this.#attempts.inFlight >= BINDINGS_IN_FLIGHT_MAX;
    if (this.queue.counts.active === 0 || full) {
      this.#state = 'idle';
    } else {
      this.#state = 'planned';
      this.#timer = this.#options.clock.setTimeout(() => void this.#runSlice(), 0);
    }
  }
}

export interface SchedulerOptions extends Omit<OutcomesOptions, 'clock' | 'recorder' | 'numberOf'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly profiles: readonly ProfileSettings[];
  /** How long pods wait after a failed attempt. Default: upstream's. */
  readonly backoff?: BackoffTimes;
  /** Needed where profiles give plugins args. */
  readonly completeArgs?: CompleteArgs;
  /** Whether attempts are recorded. Default true; for tests and benchmarks. */
  readonly records?: boolean;
  /** Without anything done for speed, to compare with. Default false; for tests. */
  readonly plain?: boolean;
}

/** In place of a plugin that keeps a pod out: plugins of its profile may still come. */
const HELD = 'profile';

/** A pod on a node: other labels may end a conflict, smaller requests leave room. */
function mayFreeRoom(before: PodInfo, after: PodInfo): boolean {
  const { milliCpu, memory, ephemeralStorage, scalar } = after.requests;
  const was = before.requests;
  if (milliCpu < was.milliCpu || memory < was.memory) return true;
  if (ephemeralStorage < was.ephemeralStorage) return true;
  for (const [name, value] of was.scalar) if ((scalar.get(name) ?? 0) < value) return true;
  return JSON.stringify(before.labels) !== JSON.stringify(after.labels);
}

export type Wakes = (event: ClusterEvent, node?: NodeInfo, pod?: PodInfo) => void;
