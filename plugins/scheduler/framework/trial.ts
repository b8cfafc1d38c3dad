import {
  addResources,
  isRefusal,
  type NodeInfo,
  NodeState,
  type NodeTrial,
  type PodInfo,
  type Refusal,
} from 'kernetes/sdk';
import type { Nominations } from './nominator.ts';
import { type EnabledPlugin, MutableContext, PluginFailure, type Profile } from './profile.ts';
import type { Refused } from './verdict-table.ts';

/** A filter that has something to check for a pod, with what its preFilter left for that pod. */
export interface FilterState {
  readonly enabled: EnabledPlugin;
  readonly state: unknown;
}

/** What the filters' contexts hold now: right after a cycle's preFilter, this pod's. */
export function filterStatesOf({ filters }: Profile): readonly FilterState[] {
  const states: FilterState[] = [];
  for (const enabled of filters) {
    if (!enabled.skipsFilter) states.push({ enabled, state: enabled.context.state });
  }
  return states;
}

/**
 * What would be if other pods ran on a node, or no longer did. Works on a copy of the node and of
 * those plugins' states that pods on nodes change; the rest is shared and only read.
 */
export class Trial implements NodeTrial {
  readonly node: NodeState;
  readonly #pod: PodInfo;
  readonly #options: TrialOptions;
  readonly #contexts: readonly FilterContext[];

  constructor(pod: PodInfo, node: NodeState, options: TrialOptions) {
    this.#pod = pod;
    this.#options = options;
    this.node = copyOf(node, options.generation());
    const { states, nodes } = options;
    this.#contexts = states.map(({ enabled, state }) => {
      const context = new MutableContext(enabled.context.config);
      context.pod = pod;
      context.node = this.node;
      context.nodes = nodes;
      const { cloneState } = enabled.plugin;
      const owned = cloneState !== undefined && state !== undefined;
      context.state = owned ? enabled.plugin.cloneState?.(state) : state;
      return { enabled, context };
    });
  }

  add(pod: PodInfo): void {
    this.node.addPod(pod);
    this.node.generation = this.#options.generation();
    for (const { enabled, context } of this.#contexts) {
      if (!enabled.plugin.addPod) continue;
      this.#run(enabled, () => enabled.plugin.addPod?.(context, pod));
    }
  }

  remove(pod: PodInfo): void {
    if (!this.node.removePod(pod.key)) return;
    this.node.generation = this.#options.generation();
    for (const { enabled, context } of this.#contexts) {
      if (!enabled.plugin.removePod) continue;
      this.#run(enabled, () => enabled.plugin.removePod?.(context, pod));
    }
  }

  check(): Refusal | undefined {
    const { nominations } = this.#options;
    const rivals = nominations?.rivals(this.#pod, this.node.name) ?? [];
    if (rivals.length > 0) {
      const crowded = this.#fork();
      for (const rival of rivals) crowded.add(rival);
      const refused = crowded.filter();
      if (refused) return refused.refusal;
    }
    return this.filter()?.refusal;
  }

  /** As it is, without a look at nominations. */
  filter(): Refused | undefined {
    for (const { enabled, context } of this.#contexts) {
      const outcome = this.#run(enabled, () => enabled.plugin.filter?.(context));
      if (isRefusal(outcome)) return { plugin: enabled.name, refusal: outcome };
    }
    return undefined;
  }

  #fork(): Trial {
    const states = this.#contexts.map(({ enabled, context: { state } }) => ({ enabled, state }));
    return new Trial(this.#pod, this.node, { ...this.#options, states });
  }

  #run<T>(enabled: EnabledPlugin, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (enabled.ignoresFailure) return undefined;
      throw new PluginFailure(enabled.name, error);
    }
  }
}

export interface TrialOptions {
  readonly states: readonly FilterState[];
  /** All there are, for the plugins' contexts. */
  readonly nodes: readonly NodeInfo[];
  readonly nominations: Nominations | undefined;
  /** A number that no state of any node has had: plugins may keep things by it. */
  generation(): number;
}

interface FilterContext {
  readonly enabled: EnabledPlugin;
  readonly context: MutableContext;
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
  for (const pod of node.pods) copy.pods.push(pod);
  return copy;
}
