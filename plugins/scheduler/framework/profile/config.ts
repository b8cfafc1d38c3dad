import { SCHEDULER_POINTS, SCORE_MAX } from 'kernetes/sdk';
import { DEFAULT_PLUGINS } from '../configuration/defaults.ts';
import { withoutPresets } from '../configuration/presets.ts';
import type { PluginSetting, ProfileSettings } from './profile.ts';

export interface FrameworkConfig {
  /** The one scheduler, or what `profiles` leave open. */
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  readonly plugins: readonly PluginSetting[];
  /** Several schedulers in one. */
  readonly profiles?: readonly (Partial<ProfileSettings> &
    Pick<ProfileSettings, 'schedulerName'>)[];
  /** Default: 1 and 10. */
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  /** In place of all of the above: what is in a file for kube-scheduler. Empty: none. */
  readonly configuration?: Readonly<Record<string, unknown>>;
}

/** Only old configurations ask for them: where they are not listed they are not used. */
const ONLY_LISTED = [
  'NodeConditions',
  'NodeLabel',
  'NodePreferAvoidPods',
  'SelectorSpread',
  'ServiceAffinity',
];

/** Upstream's: with it a sum of scores is still a whole number. */
const WEIGHT_MAX = Math.floor((2 ** 31 - 1) / SCORE_MAX);
const SECONDS = { type: 'integer', minimum: 1 } as const;
const PERCENTAGE = { type: 'integer', minimum: 0, maximum: 100 } as const;
const PLUGINS = {
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['name'],
    properties: {
      name: { type: 'string', minLength: 1 },
      weight: { type: 'integer', minimum: 1, maximum: WEIGHT_MAX },
      disabled: { type: 'boolean' },
      optional: { type: 'boolean' },
      args: {},
      points: { type: 'array', minItems: 1, items: { enum: SCHEDULER_POINTS } },
    },
  },
} as const;

export const CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    schedulerName: { type: 'string', minLength: 1, default: 'default-scheduler' },
    percentageOfNodesToScore: { ...PERCENTAGE, default: 0 },
    plugins: { ...PLUGINS, default: DEFAULT_PLUGINS },
    profiles: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['schedulerName'],
        properties: {
          schedulerName: { type: 'string', minLength: 1 },
          percentageOfNodesToScore: PERCENTAGE,
          plugins: PLUGINS,
        },
      },
    },
    podInitialBackoffSeconds: SECONDS,
    podMaxBackoffSeconds: SECONDS,
    configuration: { type: 'object' },
  },
} as const;

/** The profiles of the framework's own config. Throws when two have the same name. */
export function profilesOf(config: FrameworkConfig): readonly ProfileSettings[] {
  const { profiles = [], schedulerName, percentageOfNodesToScore, plugins } = config;
  const shared = { schedulerName, percentageOfNodesToScore, plugins };
  const names = profiles.map(profile => profile.schedulerName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`Profile "${twice}" is there twice`);
  const all = profiles.length === 0 ? [shared] : profiles;
  return all.map(profile => {
    const whole = { ...shared, ...profile };
    return { ...whole, plugins: withoutUnasked(withoutPresets(whole.plugins)) };
  });
}

function withoutUnasked(plugins: readonly PluginSetting[]): readonly PluginSetting[] {
  const listed = new Set(plugins.map(({ name }) => name));
  const unasked = ONLY_LISTED.filter(name => !listed.has(name));
  return [...plugins, ...unasked.map(name => ({ name, disabled: true }))];
}
