import type {
  ClusterEvent,
  Contribution,
  NodeContext,
  NodeInfo,
  PodInfo,
  QueuedPod,
  SchedulerContribution,
  SchedulerPlugin,
  SchedulerPoint,
} from 'kernetes/sdk';

/** What the operator says about the plugins: order, weights, and which are off. */
export interface PluginSetting {
  readonly name: string;
  /** How much its score counts. Default 1. */
  readonly weight?: number;
  /** Known, but not used. */
  readonly disabled?: boolean;
  /** Pods wait for it as for others; when it does not come they are placed without it. */
  readonly optional?: boolean;
}

/**
 * The enabled plugins, per point and in order. Made anew when plugins come, go or change; never
 * changed. Listed plugins come first, in the list's order, others after them with weight 1.
 */
export class Profile {
  readonly plugins: readonly EnabledPlugin[];
  /** Listed, but not there: pods are not scheduled without them. */
  readonly missing: readonly string[];
  /** Listed as optional, and not there. */
  readonly absent: readonly string[];
  readonly filters: readonly EnabledPlugin[];
  readonly scores: readonly EnabledPlugin[];
  readonly remote: readonly EnabledPlugin[];
  readonly preEnqueues: readonly EnabledPlugin[];
  readonly postFilters: readonly EnabledPlugin[];
  readonly reserves: readonly EnabledPlugin[];
  readonly permits: readonly EnabledPlugin[];
  readonly preBinds: readonly EnabledPlugin[];
  readonly binders: readonly EnabledPlugin[];
  readonly postBinds: readonly EnabledPlugin[];
  /** Those with a word after the choice of a node, bind aside. */
  readonly latePlugins: readonly EnabledPlugin[];
  readonly #queueSort: EnabledPlugin | undefined;
  readonly #byName = new Map<string, EnabledPlugin>();

  constructor(
    settings: readonly PluginSetting[],
    contributions: readonly Contribution<SchedulerContribution>[],
  ) {
    const listed = new Set(settings.map(({ name }) => name));
    const others = contributions.filter(({ value }) => !listed.has(value.name));
    const all = [...settings, ...others.map(({ value }): PluginSetting => ({ name: value.name }))];
    const plugins: EnabledPlugin[] = [];
    const missing: string[] = [];
    const absent: string[] = [];
    for (const { name, weight = 1, disabled, optional } of all) {
      if (disabled) continue;
      const contribution = contributions.find(({ value }) => value.name === name);
      if (contribution) plugins.push(new EnabledPlugin(contribution, weight));
      else (optional ? absent : missing).push(name);
    }
    this.plugins = plugins;
    this.missing = missing;
    this.absent = absent;
    for (const plugin of plugins) this.#byName.set(plugin.name, plugin);
    const local = plugins.filter(plugin => !plugin.remote);
    const at = (point: SchedulerPoint, from = plugins) =>
      from.filter(({ points }) => points.has(point));
    this.filters = local.filter(({ points }) => points.has('filter') || points.has('preFilter'));
    this.scores = at('score', local);
    this.remote = plugins.filter(
      ({ remote, points }) => remote && (points.has('filter') || points.has('score')),
    );
    this.preEnqueues = at('preEnqueue', local);
    this.postFilters = at('postFilter', local);
    this.reserves = at('reserve');
    this.permits = at('permit');
    this.preBinds = at('preBind');
    this.binders = at('bind');
    this.postBinds = at('postBind');
    this.latePlugins = [
      ...new Set([...this.reserves, ...this.permits, ...this.preBinds, ...this.postBinds]),
    ];
    this.#queueSort = at('queueSort', local)[0];
  }

  sort(a: QueuedPod, b: QueuedPod): number {
    return this.#queueSort?.plugin.queueSort?.(a, b) ?? 0;
  }

  wakes(plugin: string, event: ClusterEvent): boolean {
    const events = this.#byName.get(plugin)?.contribution.requeueOn;
    return events === undefined || events.includes(event);
  }

  /** Points that only work in the scheduler's own thread, asked for from another. */
  misplaced(): readonly string[] {
    return this.plugins
      .filter(({ remote, points }) => remote && LOCAL_POINTS.some(point => points.has(point)))
      .map(({ name }) => name);
  }
}

const LOCAL_POINTS: readonly SchedulerPoint[] = ['queueSort', 'preEnqueue', 'postFilter'];

/** A plugin with the one context object that all its calls get. */
export class EnabledPlugin {
  readonly name: string;
  readonly contribution: SchedulerContribution;
  /** What can be called directly: nothing, if it is in another thread. */
  readonly plugin: SchedulerPlugin;
  readonly weight: number;
  readonly remote: boolean;
  readonly cacheable: boolean;
  readonly points: ReadonlySet<SchedulerPoint>;
  readonly context: MutableContext;
  /** For the pod in hand. */
  skipsFilter = false;
  skipsScore = false;

  constructor(contribution: Contribution<SchedulerContribution>, weight: number) {
    const { value } = contribution;
    this.name = value.name;
    this.contribution = value;
    this.plugin = value.local ?? { name: value.name };
    this.weight = weight;
    this.remote = contribution.remote;
    this.cacheable = value.cacheable && !contribution.remote;
    this.points = new Set(value.points);
    this.context = new MutableContext(value.options);
  }

  /** It has no word about the pod in hand after the choice of its node. */
  get skipsLate(): boolean {
    return this.skipsFilter && this.contribution.skipsLate;
  }

  get ignoresFailure(): boolean {
    return this.contribution.onFailure === 'ignore';
  }
}

export class MutableContext implements NodeContext {
  pod: PodInfo = undefined as unknown as PodInfo;
  node: NodeInfo = undefined as unknown as NodeInfo;
  nodes: readonly NodeInfo[] = [];
  readonly config: unknown;
  state: unknown = undefined;

  constructor(config: unknown) {
    this.config = config;
  }
}

/** A plugin did what it must not; says which and keeps what it threw. */
export class PluginFailure extends Error {
  override name = 'PluginFailure';
  readonly plugin: string;

  constructor(plugin: string, cause: unknown) {
    const text = cause instanceof Error ? cause.message : String(cause);
    super(`running plugin "${plugin}": ${text}`, { cause });
    this.plugin = plugin;
  }
}
