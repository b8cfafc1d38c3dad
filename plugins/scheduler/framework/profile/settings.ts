import type { SchedulerConfiguration } from '../configuration/configuration.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from '../limits.ts';
import type { BackoffTimes } from '../queue/backoff-queue.ts';
import { keepArgs, loadCompleteArgs } from './complete-args.ts';
import { type FrameworkConfig, profilesOf } from './config.ts';
import type { CompleteArgs } from './instances.ts';
import type { PluginSetting, ProfileSettings } from './profile.ts';

/** What a scheduler goes by, wherever it was written. */
export interface Settings {
  readonly profiles: readonly ProfileSettings[];
  readonly backoff: BackoffTimes;
  readonly completeArgs: CompleteArgs;
  /** What a file says to no effect. */
  readonly notes: readonly string[];
}

/** Rejects with what the operator must mend, on one line. */
export async function loadSettings(config: FrameworkConfig): Promise<Settings> {
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max } = config;
  const read = await readGiven(config);
  const profiles = read ? withExtenders(read) : profilesOf(config);
  const hasArgs = profiles.some(({ plugins }) => plugins.some(({ args }) => args !== undefined));
  const backoff = {
    minMs: read?.podInitialBackoffMs ?? (initial ? 1_000 * initial : BACKOFF_MS_MIN),
    maxMs: read?.podMaxBackoffMs ?? (max ? 1_000 * max : BACKOFF_MS_MAX),
  };
  if (backoff.maxMs < backoff.minMs) {
    throw new Error('Back-off of pods: "podMaxBackoffSeconds" is less than the initial one');
  }
  const completeArgs = hasArgs ? await loadCompleteArgs() : keepArgs;
  return { profiles, backoff, completeArgs, notes: read?.notes ?? [] };
}

/** What reads it is loaded when there is one: most clusters have none. */
async function readGiven({
  configuration = {},
}: FrameworkConfig): Promise<SchedulerConfiguration | undefined> {
  if (Object.keys(configuration).length === 0) return undefined;
  const { readConfiguration } = await import('../configuration/configuration.ts');
  try {
    return readConfiguration(configuration);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot use the scheduler configuration: ${said}`, { cause: error });
  }
}

/**
 * Extenders are everybody's; one plugin, which has read of them itself, asks them, after the other
 * filters and before the binder. Its score counts as all of theirs together.
 */
function withExtenders({
  profiles,
  extenders,
}: SchedulerConfiguration): readonly ProfileSettings[] {
  if (extenders.length === 0) return profiles;
  const weights = extenders.map(({ prioritizeVerb, weight = 1 }) => (prioritizeVerb ? weight : 0));
  const weight = weights.reduce((sum, each) => sum + each, 0);
  const asking: PluginSetting = { name: 'HTTPExtenders', ...(weight > 0 && { weight }) };
  return profiles.map(profile => {
    const isLast = ({ name }: PluginSetting) => name === 'DefaultBinder' || name === '*';
    const first = profile.plugins.filter(plugin => !isLast(plugin));
    return { ...profile, plugins: [...first, asking, ...profile.plugins.filter(isLast)] };
  });
}
