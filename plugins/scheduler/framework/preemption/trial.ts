import {
  addResources,
  isRefusal,
  type NodeInfo,
  NodeState,
  type NodeTrial,
  type PodInfo,
  type Refusal,
  type SchedulerPlugin,
} from 'kernetes/sdk';
import type { Refused } from '../cycle/verdict-table.ts';
import {
  type EnabledPlugin,
  MutableContext,
  PluginFailure,
  type Profile,
} from '../profile/profile.ts';
import type { Nominations } from './nominator.ts';

/**
 * The filters that have something to check for a pod, with what their preFilter left for it. Made
 * once for all trials of that pod: the contexts are the filters' own while one of them is called.
 */
export class TrialFilters {
  readonly all: readonly TrialFilter[];
  /** Places of those whose state changes with pods on nodes. */
  readonly counting: readonly number[];
  readonly #states: readonly unknown[];

  constructor(pod: PodInfo, filters: readonly FilterState[], nodes: readonly NodeInfo[]) {
    this.all = filters.map(({ enabled }) => {
      const context = new MutableContext(enabled.context.config);
      context.pod = pod;
      context.nodes = nodes;
      return { enabled, context };
    });
    this.#states = filters.map(({ state }) => state);
    const isCounting = ({ enabled: { plugin } }: FilterState) => plugin.addPod ?? plugin.removePod;
    this.counting = filters.flatMap((each, place) => (isCounting(each) ? place : []));
  }

  /** By place, for a trial of its own: what counts is copied. */
  copyStates(states = this.#states): unknown[] {
    return states.map((state, place) => {
      const { cloneState } = (this.all[place] as TrialFilter).enabled.plugin;
      return cloneState && state !== undefined ? cloneState(state) : state;
    });
  }
}

export interface FilterState {
  readonly enabled: EnabledPlugin;
  readonly state: unknown;
}

interface TrialFilter {
  readonly enabled: EnabledPlugin;
  readonly context: MutableContext;
}

/** What the filters' contexts hold now: right after a cycle's preFilter, this pod's. */
export function trialFiltersOf(
  pod: PodInfo,
  { filters }: Profile,
  nodes: readonly NodeInfo[],
): TrialFilters {
  const states: FilterState[] = [];
  for (const enabled of filters) {
    if (!enabled.skipsFilter) states.push({ enabled, state: enabled.context.state });
  }
  return new TrialFilters(pod, states, nodes);
}

/** See `PostFilterContext.trialScope`. A filter that may be left out after a failure is not kept. */
export function trialScopeOf(profile: Profile): object | undefined {
  const { filters } = profile;
  const isLocal = filters.every(({ cacheable, skipsFilter, ignoresFailure }) =>
    cacheable ? !ignoresFailure : skipsFilter,
  );
  return isLocal ? profile : undefined;
}

/**
 * What would be if other pods ran on a node, or no longer did. Works on a copy of the node and of
 * those plugins' states that pods on nodes change; the rest is shared and only read. A pod that
 * preempts makes thousands of trials, each with dozens of changes: no change makes an object.
 */
export class Trial implements NodeTrial {
  readonly node: NodeState;
  readonly #pod: PodInfo;
  readonly #options: TrialOptions;
  readonly #states: unknown[];

  constructor(pod: PodInfo, node: NodeState, options: TrialOptions, states?: readonly unknown[]) {
    this.#pod = pod;
    this.#options = options;
    this.node = copyOf(node, options.generation());
    this.#states = options.filters.copyStates(states);
  }

  add(pod: PodInfo): void {
    this.node.addPod(pod);
    this.node.generation = this.#options.generation();
    this.#tell('addPod', pod);
  }

  remove(pod: PodInfo): void {
    if (!this.node.removePod(pod.key, pod)) return;
    this.node.generation = this.#options.generation();
    this.#tell('removePod', pod);
  }

  check(): Refusal | undefined {
    const { nominations } = this.#options;
    if (nominations?.isEmpty === false) {
      const refusal = this.#checkCrowded(nominations.rivals(this.#pod, this.node.name));
      if (refusal) return refusal;
    }
    return this.filter()?.refusal;
  }

  /** As it is, without a look at nominations. */
  filter(): Refused | undefined {
    const { all } = this.#options.filters;
    for (let place = 0; place < all.length; place++) {
      const { enabled } = all[place] as TrialFilter;
      const context = this.#enter(place);
      let outcome: ReturnType<NonNullable<SchedulerPlugin['filter']>>;
      try {
        outcome = enabled.plugin.filter?.(context);
      } catch (error) {
        excuse(enabled, error);
      }
      this.#states[place] = context.state;
      if (isRefusal(outcome)) return { plugin: enabled.name, refusal: outcome };
    }
    return undefined;
  }

  #checkCrowded(rivals: readonly PodInfo[]): Refusal | undefined {
    if (rivals.length === 0) return undefined;
    const crowded = new Trial(this.#pod, this.node, this.#options, this.#states);
    for (const rival of rivals) crowded.add(rival);
    return crowded.filter()?.refusal;
  }

  #tell(change: 'addPod' | 'removePod', pod: PodInfo): void {
    const { all, counting } = this.#options.filters;
    for (let i = 0; i < counting.length; i++) {
      const place = counting[i] as number;
      const { enabled } = all[place] as TrialFilter;
      const context = this.#enter(place);
      try {
        enabled.plugin[change]?.(context, pod);
      } catch (error) {
        excuse(enabled, error);
      }
      this.#states[place] = context.state;
    }
  }

  /** The filter's context, about this trial. */
  #enter(place: number): MutableContext {
    const { context } = this.#options.filters.all[place] as TrialFilter;
    context.node = this.node;
    context.state = this.#states[place];
    return context;
  }
}

function excuse(enabled: EnabledPlugin, error: unknown): void {
  if (!enabled.ignoresFailure) throw new PluginFailure(enabled.name, error);
}

export interface TrialOptions {
  readonly filters: TrialFilters;
  readonly nominations: Nominations | undefined;
  /** A number that no state of any node has had: plugins may keep things by it. */
  generation(): number;
}

function copyOf(node: NodeState, generation: number): NodeState {
  const copy = new NodeState(node.name, node.index);
  // Field by field: there are hundreds of copies for a pod that preempts.
  copy.labels = node.labels;
  copy.annotations = node.annotations;
  copy.taints = node.taints;
  copy.unschedulable = node.unschedulable;
  copy.allocatable = node.allocatable;
  copy.images = node.images;
  copy.conditions = node.conditions;
  copy.generation = generation;
  copy.nodeVersion = node.nodeVersion;
  copy.nonZeroMilliCpu = node.nonZeroMilliCpu;
  copy.nonZeroMemory = node.nonZeroMemory;
  addResources(copy.requested, node.requested);
  const { pods } = node;
  for (let i = 0; i < pods.length; i++) copy.pods.push(pods[i] as PodInfo);
  return copy;
}
