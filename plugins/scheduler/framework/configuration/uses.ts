import { isDeepStrictEqual } from 'node:util';
import { SCHEDULER_POINTS, type SchedulerPoint } from 'kernetes/sdk';
import type { PluginSetting } from '../profile/profile.ts';

/** Something that a configuration wants of a plugin. Several wishes may be about one plugin. */
export interface Use {
  /** The plugin's name as it is today. */
  readonly plugin: string;
  /** By the name that the configuration has for it: for complaints. */
  readonly as: string;
  /** Absent: all. */
  readonly points?: readonly SchedulerPoint[];
  readonly weight?: number;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly optional?: boolean;
  readonly disabled?: boolean;
}

/** A plugin that filters works out before what filter then looks at; scores alike. */
export const FILTERS: readonly SchedulerPoint[] = ['preFilter', 'filter'];
export const SCORES: readonly SchedulerPoint[] = ['preScore', 'score'];

/**
 * One setting a plugin, in the order in which they were first wanted: at all points that any of
 * them named, with the largest weight and all args. Throws when they want what cannot be had together.
 */
export function combine(uses: readonly Use[]): PluginSetting[] {
  const byPlugin = new Map<string, Use[]>();
  for (const use of uses) {
    const others = byPlugin.get(use.plugin);
    if (others) others.push(use);
    else byPlugin.set(use.plugin, [use]);
  }
  return [...byPlugin].map(([plugin, same]) => settingOf(plugin, same));
}

function settingOf(name: string, uses: readonly Use[]): PluginSetting {
  const points = pointsOf(uses);
  const weights = uses.flatMap(({ weight }) => weight ?? []);
  const args = argsOf(name, uses);
  return {
    name,
    ...(points && { points }),
    ...(weights.length > 0 && { weight: Math.max(...weights) }),
    ...(args && { args }),
    ...(uses.every(({ optional }) => optional) && { optional: true }),
    ...(uses.every(({ disabled }) => disabled) && { disabled: true }),
  };
}

function pointsOf(uses: readonly Use[]): readonly SchedulerPoint[] | undefined {
  const named = new Set<SchedulerPoint>();
  for (const { points, disabled } of uses) {
    if (disabled) continue;
    if (!points) return undefined;
    for (const point of points) named.add(point);
  }
  const all = SCHEDULER_POINTS.filter(point => named.has(point));
  return named.size === 0 ? undefined : all;
}

function argsOf(plugin: string, uses: readonly Use[]): Record<string, unknown> | undefined {
  const args: Record<string, unknown> = {};
  const from: Record<string, string> = {};
  for (const use of uses) {
    for (const [field, value] of Object.entries(use.args ?? {})) {
      const both = field in args ? joined(args[field], value) : value;
      if (both === undefined) throw new ConflictError(plugin, field, [from[field] ?? '', use.as]);
      args[field] = both;
      from[field] = use.as;
    }
  }
  return Object.keys(args).length > 0 ? args : undefined;
}

/** Switches that somebody wants on are on, lists are put together; undefined: not both. */
function joined(a: unknown, b: unknown): unknown {
  if (isDeepStrictEqual(a, b)) return a;
  if (typeof a === 'boolean' && typeof b === 'boolean') return a || b;
  return Array.isArray(a) && Array.isArray(b) ? [...new Set([...a, ...b])] : undefined;
}

/** Two names of old stand for one plugin of today, with different args. */
export class ConflictError extends Error {
  override name = 'ConflictError';

  constructor(plugin: string, field: string, [one, other]: readonly [string, string]) {
    super(`"${one}" and "${other}" want a different "${field}" of ${plugin}: use one of them`);
  }
}
