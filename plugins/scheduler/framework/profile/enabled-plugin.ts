import {
  type Contribution,
  type NodeContext,
  type NodeInfo,
  type PodInfo,
  SCHEDULER_POINTS,
  type SchedulerContribution,
  type SchedulerPlugin,
  type SchedulerPoint,
} from 'kernetes/sdk';

/** A plugin and the options that go with it. */
export interface Instance {
  readonly plugin: SchedulerPlugin;
  readonly options: unknown;
}

/** A plugin of one profile with the one context object that all its calls get. */
export class EnabledPlugin {
  readonly name: string;
  readonly contribution: SchedulerContribution;
  /** What can be called directly: nothing, if it is in another thread. */
  readonly plugin: SchedulerPlugin;
  /** The whole of it: `plugin` is limited to the points in use. */
  readonly instance: SchedulerPlugin;
  readonly weight: number;
  /** Asked by messages: it is in another thread, or answers later as if it were. */
  readonly remote: boolean;
  readonly cacheable: boolean;
  readonly points: ReadonlySet<SchedulerPoint>;
  readonly context: MutableContext;
  /** For the pod in hand. */
  skipsFilter = false;
  skipsScore = false;

  constructor(
    contribution: Contribution<SchedulerContribution>,
    setting: { readonly weight?: number; readonly points?: readonly SchedulerPoint[] },
    instance: Instance,
  ) {
    const { value } = contribution;
    const { weight = 1, points } = setting;
    this.name = value.name;
    this.contribution = value;
    this.instance = instance.plugin;
    this.plugin = points ? limitedTo(points, instance.plugin) : instance.plugin;
    this.weight = weight;
    this.remote = !value.local;
    this.cacheable = value.cacheable && !this.remote;
    this.points = new Set(
      points ? value.points.filter(point => points.includes(point)) : value.points,
    );
    this.context = new MutableContext(instance.options);
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

/** Methods that are no points of their own, and the point that each belongs to. */
const COMPANIONS = {
  addPod: 'preFilter',
  removePod: 'preFilter',
  cloneState: 'preFilter',
  normalize: 'score',
  unreserve: 'reserve',
} as const;

/** The plugin as if it had these points only. */
function limitedTo(points: readonly SchedulerPoint[], plugin: SchedulerPlugin): SchedulerPlugin {
  const companions = Object.entries(COMPANIONS).flatMap(([method, point]) =>
    points.includes(point) ? [method as keyof typeof COMPANIONS] : [],
  );
  const limited: Record<string, unknown> = { name: plugin.name };
  for (const method of [...SCHEDULER_POINTS.filter(each => points.includes(each)), ...companions]) {
    const call = plugin[method] as ((...args: unknown[]) => unknown) | undefined;
    if (call) limited[method] = call.bind(plugin);
  }
  return limited as unknown as SchedulerPlugin;
}
