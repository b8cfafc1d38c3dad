import type {
  ClusterEvent,
  Contribution,
  QueueingHint,
  SchedulerContribution,
  SchedulerPoint,
} from 'kernetes/sdk';
import { EnabledPlugin, type Instance } from './enabled-plugin.ts';

export { EnabledPlugin, MutableContext, PluginFailure } from './enabled-plugin.ts';

/** One of the schedulers that this one is: pods choose it by `spec.schedulerName`. */
export interface ProfileSettings {
  readonly schedulerName: string;
  /** 0 or absent: adaptive. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins: readonly PluginSetting[];
}

/** What the operator says about the plugins: order, weights, and which are off. */
export interface PluginSetting {
  /** `*`, disabled: only listed plugins are used. */
  readonly name: string;
  /** How much its score counts. Default 1. */
  readonly weight?: number;
  /** Known, but not used. */
  readonly disabled?: boolean;
  /** Pods wait for it as for others; when it does not come they are placed without it. */
  readonly optional?: boolean;
  /** In place of its own config; defaults are filled in. */
  readonly args?: unknown;
  /** Used at these only. Default: at all that it has. */
  readonly points?: readonly SchedulerPoint[];
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
  /** What is wrong with the list: pods are not scheduled. */
  readonly faults: readonly string[];
  readonly filters: readonly EnabledPlugin[];
  readonly scores: readonly EnabledPlugin[];
  readonly remote: readonly EnabledPlugin[];
  readonly preEnqueues: readonly EnabledPlugin[];
  readonly postFilters: readonly EnabledPlugin[];
  readonly preempts: readonly EnabledPlugin[];
  readonly reserves: readonly EnabledPlugin[];
  readonly permits: readonly EnabledPlugin[];
  readonly preBinds: readonly EnabledPlugin[];
  readonly binders: readonly EnabledPlugin[];
  readonly postBinds: readonly EnabledPlugin[];
  /** Those with a word after the choice of a node, bind aside. */
  readonly latePlugins: readonly EnabledPlugin[];
  readonly queueSort: EnabledPlugin | undefined;
  readonly #hints = new Map<string, Hints>();

  constructor(
    settings: readonly PluginSetting[],
    contributions: readonly Contribution<SchedulerContribution>[],
    instanceOf: InstanceOf = ownInstanceOf,
  ) {
    const { plugins, missing, absent, faults } = enable(settings, contributions, instanceOf);
    this.plugins = plugins;
    this.missing = missing;
    this.absent = absent;
    this.faults = faults;
    for (const plugin of plugins) this.#hints.set(plugin.name, hintsOf(plugin));
    const local = plugins.filter(plugin => !plugin.remote);
    const at = (point: SchedulerPoint, from = plugins) =>
      from.filter(({ points }) => points.has(point));
    this.filters = local.filter(({ points }) => points.has('filter') || points.has('preFilter'));
    this.scores = at('score', local);
    this.remote = plugins.filter(
      ({ remote, points }) => remote && (points.has('filter') || points.has('score')),
    );
    // Who sorts from elsewhere hears of a pod before it enters the queue.
    this.preEnqueues = plugins.filter(
      ({ remote, points }) => points.has('preEnqueue') || (remote && points.has('queueSort')),
    );
    this.postFilters = at('postFilter');
    this.preempts = at('preempt');
    this.reserves = at('reserve');
    this.permits = at('permit');
    this.preBinds = at('preBind');
    this.binders = at('bind');
    this.postBinds = at('postBind');
    this.latePlugins = [
      ...new Set([...this.reserves, ...this.permits, ...this.preBinds, ...this.postBinds]),
    ];
    this.queueSort = at('queueSort')[0];
  }

  /** Whether a pod that `plugin` refused may fit after `event`; a hint says so after a closer look. */
  hint(plugin: string, event: ClusterEvent): boolean | QueueingHint {
    const hints = this.#hints.get(plugin);
    return hints === undefined || (hints.get(event) ?? false);
  }

  has(plugin: string): boolean {
    return this.#hints.has(plugin);
  }

  configOf(plugin: string): unknown {
    return this.plugins.find(({ name }) => name === plugin)?.context.config;
  }
}

/** One place where pods get a plugin with other options than its own; throws if it cannot be. */
export type InstanceOf = (
  contribution: Contribution<SchedulerContribution>,
  args: unknown,
) => Instance;

export function ownInstanceOf({ value }: Contribution<SchedulerContribution>): Instance {
  return { plugin: value.local ?? { name: value.name }, options: value.options };
}

interface Enabled {
  readonly plugins: readonly EnabledPlugin[];
  readonly missing: readonly string[];
  readonly absent: readonly string[];
  readonly faults: readonly string[];
}

function enable(
  settings: readonly PluginSetting[],
  contributions: readonly Contribution<SchedulerContribution>[],
  instanceOf: InstanceOf,
): Enabled {
  const all = withUnlisted(settings, contributions);
  const enabled = { plugins: [], missing: [], absent: [], faults: [] } as {
    [K in keyof Enabled]: Enabled[K][number][];
  };
  const seen = new Set<string>();
  for (const setting of all) {
    const { name, disabled, optional } = setting;
    if (seen.has(name)) enabled.faults.push(`plugin "${name}" is listed twice`);
    seen.add(name);
    if (disabled) continue;
    const contribution = contributions.find(({ value }) => value.name === name);
    if (!contribution) {
      (optional ? enabled.absent : enabled.missing).push(name);
      continue;
    }
    try {
      const instance = instanceOf(contribution, setting.args);
      enabled.plugins.push(new EnabledPlugin(contribution, setting, instance));
    } catch (error) {
      enabled.faults.push(`plugin "${name}": ${error instanceof Error ? error.message : error}`);
    }
  }
  return enabled;
}

/** `{ name: '*', disabled: true }`: upstream's way to say that there are no others. */
function withUnlisted(
  settings: readonly PluginSetting[],
  contributions: readonly Contribution<SchedulerContribution>[],
): readonly PluginSetting[] {
  const listed = new Set(settings.map(({ name }) => name));
  const named = settings.filter(({ name }) => name !== '*');
  if (settings.some(({ name, disabled }) => name === '*' && disabled)) return named;
  const others = contributions.filter(({ value }) => !listed.has(value.name));
  return [...named, ...others.map(({ value }): PluginSetting => ({ name: value.name }))];
}

type Hints = ReadonlyMap<ClusterEvent, true | QueueingHint> | undefined;

/** Undefined: every event. */
function hintsOf({ instance, contribution }: EnabledPlugin): Hints {
  const on = instance.requeueOn ?? contribution.requeueOn;
  if (!on) return undefined;
  const hints = new Map<ClusterEvent, true | QueueingHint>();
  for (const each of on) {
    if (typeof each === 'string') hints.set(each, true);
    else hints.set(each.on, each);
  }
  return hints;
}
