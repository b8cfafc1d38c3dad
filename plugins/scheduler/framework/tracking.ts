import type {
  ClusterTracker,
  Disposer,
  Logger,
  NodeBefore,
  NodeState,
  PodInfo,
  SchedulerPlugin,
  Wake,
} from 'kernetes/sdk';

/**
 * The plugins in use that listen: to the cluster (`track`) and to things of their own (`watch`).
 * One that stays in use over a change of the plugins keeps its counts; one that comes is first told
 * of all that there is. A tracker that throws counts wrongly from then on: it is told no more, and
 * pods are not placed by its plugin until it is made anew.
 */
export class Tracking {
  readonly #options: TrackingOptions;
  readonly #listening = new Map<SchedulerPlugin, Listening>();
  /** Most clusters have few of them: an array is walked for each pod. */
  #trackers: readonly Listening[] = [];
  #hasFailures = false;

  constructor(options: TrackingOptions) {
    this.#options = options;
  }

  /** Exactly these listen from now on. */
  use(plugins: ReadonlySet<SchedulerPlugin>): void {
    for (const [plugin, { end }] of this.#listening) {
      if (plugins.has(plugin)) continue;
      this.#listening.delete(plugin);
      void end?.();
    }
    for (const plugin of plugins) if (!this.#listening.has(plugin)) this.#begin(plugin);
    this.#trackers = [...this.#listening.values()].filter(({ tracker }) => tracker);
  }

  /** Why pods cannot be placed by these plugins: the counts of one are wrong. */
  troubleOf(plugins: readonly Listener[]): string | undefined {
    if (!this.#hasFailures) return undefined;
    for (const { name, instance, ignoresFailure } of plugins) {
      const failure = this.#listening.get(instance)?.failure;
      if (failure && !ignoresFailure) return `running plugin "${name}": ${failure.message}`;
    }
    return undefined;
  }

  nodeAdded(node: NodeState): void {
    for (const each of this.#trackers) this.#tell(each, to => to.nodeAdded?.(node));
    for (const pod of node.pods) this.podAdded(pod, node);
  }

  nodeChanged(node: NodeState, before: NodeBefore): void {
    for (const each of this.#trackers) this.#tell(each, to => to.nodeChanged?.(node, before));
  }

  /** With the pods that are still on it. */
  nodeRemoved(node: NodeState): void {
    for (const pod of node.pods) this.podRemoved(pod, node);
    for (const each of this.#trackers) this.#tell(each, to => to.nodeRemoved?.(node));
  }

  podAdded(pod: PodInfo, node: NodeState): void {
    for (const each of this.#trackers) this.#tell(each, to => to.podAdded?.(pod, node));
  }

  podRemoved(pod: PodInfo, node: NodeState): void {
    for (const each of this.#trackers) this.#tell(each, to => to.podRemoved?.(pod, node));
  }

  #begin(plugin: SchedulerPlugin): void {
    const { name } = plugin;
    const listening: Listening = { name, tracker: undefined, end: undefined, failure: undefined };
    this.#listening.set(plugin, listening);
    try {
      listening.end = plugin.watch?.(concerns => this.#wake(name, concerns));
      listening.tracker = plugin.track?.();
    } catch (error) {
      this.#fail(listening, error);
    }
    for (const node of this.#options.nodes()) {
      this.#tell(listening, to => to.nodeAdded?.(node));
      for (const pod of node.pods) this.#tell(listening, to => to.podAdded?.(pod, node));
    }
  }

  /** Whose `concerns` throws is not held back by it. */
  #wake(plugin: string, concerns: Parameters<Wake>[0]): void {
    const { log, wake } = this.#options;
    const safe =
      concerns &&
      ((pod: PodInfo) => {
        try {
          return concerns(pod);
        } catch (error) {
          log.warn('Scheduler plugin failed to say whether a pod may fit', { plugin, error });
          return true;
        }
      });
    wake(plugin, safe);
  }

  #tell(listening: Listening, call: (tracker: ClusterTracker) => void): void {
    const { tracker } = listening;
    if (!tracker) return;
    try {
      call(tracker);
    } catch (error) {
      this.#fail(listening, error);
    }
  }

  #fail(listening: Listening, error: unknown): void {
    this.#hasFailures = true;
    listening.tracker = undefined;
    listening.failure = error instanceof Error ? error : new Error(String(error));
    this.#options.log.error('Scheduler plugin cannot follow the cluster', {
      plugin: listening.name,
      error,
    });
  }
}

export interface TrackingOptions {
  readonly log: Logger;
  /** What there is now. */
  nodes(): readonly NodeState[];
  /** A plugin says that pods it refused may fit. */
  wake(plugin: string, concerns: Parameters<Wake>[0]): void;
}

/** An enabled plugin. */
export interface Listener {
  readonly name: string;
  readonly instance: SchedulerPlugin;
  readonly ignoresFailure: boolean;
}

interface Listening {
  readonly name: string;
  tracker: ClusterTracker | undefined;
  end: Disposer | undefined;
  failure: Error | undefined;
}
