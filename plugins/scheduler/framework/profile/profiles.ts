import type {
  Clock,
  ClusterChange,
  ClusterEvent,
  Contribution,
  Logger,
  PodInfo,
  QueuedPod,
  Random,
  SchedulerContribution,
  SchedulerPlugin,
} from 'kernetes/sdk';
import type { Cache } from '../cache.ts';
import { SchedulingCycle } from '../cycle/cycle.ts';
import type { AttemptRecorder } from '../explanation/attempt-record.ts';
import { OPTIONAL_GRACE_MS, PLUGIN_GRACE_MS } from '../limits.ts';
import type { Nominations } from '../preemption/nominator.ts';
import { usable } from '../remote/check.ts';
import { RemotePlugin } from '../remote/remote-plugin.ts';
import { type CompleteArgs, Instances } from './instances.ts';
import { type PluginFailure, Profile, type ProfileSettings } from './profile.ts';

/**
 * The schedulers that this one is, by name. They share the cache, the queue and its order. Which
 * plugins there are changes while pods are scheduled: what is under way keeps the profile that it
 * began with.
 */
export class Profiles {
  readonly #options: ProfilesOptions;
  readonly #instances: Instances;
  readonly #running = new Map<string, RunningProfile>();
  /** Since when the plugins are as they are. */
  #since: number;
  #sortFault: string | undefined;
  #sorter: SchedulerPlugin | undefined;

  constructor(options: ProfilesOptions) {
    this.#options = options;
    this.#instances = new Instances(options.completeArgs, options.clock);
    this.#since = options.clock.monotonic();
    this.use([]);
  }

  /** Uses these plugins from the next cycle on. */
  use(contributions: readonly Contribution<SchedulerContribution>[]): void {
    const { log, clock, settings } = this.#options;
    const sound = usable(contributions, log);
    this.#since = clock.monotonic();
    for (const one of settings) {
      const { plugins, schedulerName } = one;
      const profile = new Profile(plugins, sound, (each, args) => this.#instances.of(each, args));
      const before = this.#running.get(schedulerName);
      this.#running.set(schedulerName, this.#run(one, profile, before?.leftOut ?? NONE));
      const news = profile.faults.filter(fault => !before?.profile.faults.includes(fault));
      for (const reason of news) {
        log.error('Scheduler profile is wrong', { profile: schedulerName, reason });
      }
    }
    this.#findSorter();
  }

  get all(): Iterable<RunningProfile> {
    return this.#running.values();
  }

  /** Undefined: the pod is another scheduler's. */
  named(schedulerName: string | undefined): RunningProfile | undefined {
    return this.#running.get(schedulerName || DEFAULT_NAME);
  }

  /** Everybody's, each once: two profiles may share one. */
  instances(): ReadonlySet<SchedulerPlugin> {
    const instances = new Set<SchedulerPlugin>();
    for (const { profile } of this.all) {
      for (const { instance } of profile.plugins) instances.add(instance);
    }
    return instances;
  }

  /** Of all plugins in use. */
  names(): ReadonlySet<string> {
    return new Set([...this.all].flatMap(({ profile }) => profile.plugins.map(({ name }) => name)));
  }

  sort(a: QueuedPod, b: QueuedPod): number {
    return this.#sorter?.queueSort?.(a, b) ?? 0;
  }

  /** Why pods of this profile cannot be scheduled. */
  trouble({ profile, schedulerName }: RunningProfile): string | undefined {
    if (profile.missing.length > 0) {
      const names = profile.missing.map(name => `"${name}"`).join(', ');
      return `plugins of the scheduler's profile are not there: ${names}`;
    }
    if (profile.faults.length === 0) return this.#sortFault;
    return `profile "${schedulerName}" is wrong: ${profile.faults.join('; ')}`;
  }

  /** Plugins come and go one by one; half of them would place pods wrongly. */
  graceLeftMs({ profile, leftOut }: RunningProfile): number {
    if (profile.missing.length + profile.absent.length === 0) return 0;
    const waited = this.#options.clock.monotonic() - this.#since;
    if (profile.missing.length > 0) return PLUGIN_GRACE_MS - waited;
    return profile.absent.some(name => !leftOut.has(name)) ? OPTIONAL_GRACE_MS - waited : 0;
  }

  /** Optional plugins that had their time: from here on pods are placed without them. */
  leaveOutAbsent(): void {
    for (const running of this.all) {
      const { profile, leftOut } = running;
      const awaited = profile.absent.filter(name => !leftOut.has(name));
      if (awaited.length === 0 || this.graceLeftMs(running) > 0) continue;
      running.leftOut = new Set(profile.absent);
      this.#options.log.warn('Optional scheduler plugins are not there: pods are placed without', {
        plugins: awaited.join(', '),
      });
    }
  }

  /** Whether somebody's `plugin` waits for `event`. */
  listens(plugin: string, event: ClusterEvent): boolean {
    let isKnown = false;
    for (const { profile } of this.all) {
      if (!profile.has(plugin)) continue;
      if (profile.hint(plugin, event)) return true;
      isKnown = true;
    }
    return !isKnown;
  }

  /** Whether the pod, refused by `plugin`, may fit now. A hint that throws does not hold it back. */
  fits(plugin: string, change: Omit<ClusterChange, 'config'>): boolean {
    const profile = this.named(change.pod.spec.schedulerName)?.profile;
    const hint = profile?.hint(plugin, change.event) ?? true;
    if (typeof hint === 'boolean') return hint;
    const config = profile?.configOf(plugin);
    try {
      return hint.fits({ ...change, config });
    } catch (error) {
      this.#options.onHintFailure(plugin, error);
      return true;
    }
  }

  #run(
    { schedulerName, percentageOfNodesToScore = 0 }: ProfileSettings,
    profile: Profile,
    leftOut: ReadonlySet<string>,
  ): RunningProfile {
    const { clock, cache, random, nominations, onIgnored, recorder, plain } = this.#options;
    return {
      schedulerName,
      profile,
      cycle: new SchedulingCycle({
        ...{ profile, cache, random, percentageOfNodesToScore, nominations, onIgnored },
        ...(recorder && { recorder }),
        ...(plain && { plain }),
      }),
      remotes: profile.remote.map(enabled => new RemotePlugin(enabled, clock)),
      leftOut: new Set(profile.absent.filter(name => leftOut.has(name))),
    };
  }

  /** There is one queue, and so one order. */
  #findSorter(): void {
    const sorters = [...this.all].flatMap(({ profile: { queueSort } }) => queueSort ?? []);
    this.#sorter = sorters[0]?.plugin;
    const kinds = new Set(
      sorters.map(({ name, context }) => JSON.stringify([name, context.config])),
    );
    const names = [...new Set(sorters.map(({ name }) => `"${name}"`))].join(', ');
    this.#sortFault =
      kinds.size > 1
        ? `profiles must sort the queue by the same plugin with the same args, found ${names}`
        : undefined;
    if (this.#sortFault)
      this.#options.log.error('Scheduler profiles do not fit together', { names });
  }
}

/** A profile and what works for it. `leftOut`: optional plugins that are not waited for again. */
export interface RunningProfile {
  readonly schedulerName: string;
  readonly profile: Profile;
  readonly cycle: SchedulingCycle;
  readonly remotes: readonly RemotePlugin[];
  leftOut: ReadonlySet<string>;
}

export interface ProfilesOptions {
  readonly settings: readonly ProfileSettings[];
  readonly completeArgs: CompleteArgs;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly cache: Cache;
  readonly nominations: Nominations;
  onIgnored(failure: PluginFailure, pod: PodInfo): void;
  onHintFailure(plugin: string, error: unknown): void;
  readonly recorder?: AttemptRecorder;
  /** See the cycle's. */
  readonly plain?: boolean;
}

export const DEFAULT_NAME = 'default-scheduler';
const NONE: ReadonlySet<string> = new Set();
