import { invalidValue, SCHEDULER_POINTS, type SchedulerPoint } from 'kernetes/sdk';
import type { DefaultPlugin } from './defaults.ts';
import type { Reader } from './reader.ts';
import { FILTERS, SCORES } from './uses.ts';

/** Which plugins a profile enables and disables at a point, `multiPoint` being all of them. */
export interface PluginSet {
  readonly enabled: readonly { readonly name: string; readonly weight: number }[];
  /** `*`: all that are there by default. */
  readonly disabled: ReadonlySet<string>;
}

export type PluginSets = ReadonlyMap<SchedulerPoint | 'multiPoint', PluginSet>;

/** Upstream has no point `preempt` of its own: extenders are asked there. */
const POINTS = [...SCHEDULER_POINTS.filter(point => point !== 'preempt'), 'multiPoint'] as const;

/** A profile's `plugins`. */
export function readSets(plugins: Reader | undefined): PluginSets {
  const sets = new Map<SchedulerPoint | 'multiPoint', PluginSet>();
  if (!plugins) return sets;
  for (const point of POINTS) {
    const set = plugins.object(point);
    if (set) sets.set(point, readSet(set));
  }
  // Until v1beta1; the plugins that have it have reserve as well.
  plugins.ignore('unreserve');
  plugins.end();
  return sets;
}

function readSet(set: Reader): PluginSet {
  const enabled = set.objects('enabled').map(plugin => {
    const name = plugin.name('name');
    const weight = plugin.integer('weight') ?? 0;
    if (weight < 0) {
      const said = 'must be greater than or equal to 0';
      plugin.findings.push(invalidValue(plugin.at('weight'), weight, said));
    }
    plugin.end();
    return { name, weight };
  });
  const disabled = set.objects('disabled').map(plugin => {
    const name = plugin.name('name');
    plugin.ignore('weight');
    plugin.end();
    return name;
  });
  set.end();
  return { enabled, disabled: new Set(disabled) };
}

/**
 * The default plugins with what a profile says about them. What it says at one point goes before
 * what it says for all; what it enables replaces the default of the same name in its place.
 */
export function mergeSets(defaults: readonly DefaultPlugin[], sets: PluginSets): DefaultPlugin[] {
  const everywhere = mergeEverywhere(defaults, sets.get('multiPoint'));
  const plugins = new Map(everywhere.map(plugin => [plugin.name, { ...plugin }]));
  for (const [point, { enabled, disabled }] of sets) {
    if (point === 'multiPoint') continue;
    for (const plugin of plugins.values()) {
      if (!disabled.has('*') && !disabled.has(plugin.name)) continue;
      plugin.points = (plugin.points ?? SCHEDULER_POINTS).filter(one => one !== point);
    }
    for (const { name, weight } of enabled) {
      plugins.set(name, enabledAt(point, weight, plugins.get(name) ?? { name, points: [] }));
    }
  }
  const all = [...plugins.values()].map(plugin => {
    return plugin.points ? { ...plugin, points: paired(plugin.points) } : plugin;
  });
  return all.filter(({ points }) => points === undefined || points.length > 0);
}

function mergeEverywhere(
  defaults: readonly DefaultPlugin[],
  { enabled = [], disabled = new Set() }: Partial<PluginSet> = {},
): DefaultPlugin[] {
  const kept = disabled.has('*') ? [] : defaults.filter(({ name }) => !disabled.has(name));
  const plugins = new Map<string, DefaultPlugin>(kept.map(plugin => [plugin.name, plugin]));
  for (const { name, weight } of enabled) {
    plugins.set(name, { name, ...(weight > 0 && { weight }) });
  }
  return [...plugins.values()];
}

function enabledAt(point: SchedulerPoint, weight: number, plugin: DefaultPlugin): DefaultPlugin {
  const { points } = plugin;
  return {
    ...plugin,
    ...(points && { points: [...points.filter(one => one !== point), point] }),
    ...(point === 'score' && weight > 0 && { weight }),
  };
}

/** A filter is nothing without its preFilter, nor a score without its preScore. */
function paired(points: readonly SchedulerPoint[]): readonly SchedulerPoint[] {
  const has = new Set(points);
  for (const [before, point] of [FILTERS, SCORES]) {
    if (!before || !point) continue;
    if (has.has(point)) has.add(before);
  }
  return SCHEDULER_POINTS.filter(point => has.has(point));
}
