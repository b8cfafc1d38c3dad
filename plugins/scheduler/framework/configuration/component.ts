import { duplicate, type FieldPath, invalidValue, required } from 'kernetes/sdk';
import type { ProfileSettings } from '../profile/profile.ts';
import { ARGS } from './args.ts';
import type { SchedulerConfiguration } from './configuration.ts';
import {
  DEFAULT_PLUGINS,
  DEFAULT_PLUGINS_BETA1,
  DEFAULT_PLUGINS_BETA2,
  type DefaultPlugin,
  PROVIDERS,
} from './defaults.ts';
import { ignoredResources, readExtenders } from './extenders.ts';
import { usesOf } from './presets.ts';
import { Reader } from './reader.ts';
import { mergeSets, type PluginSets, readSets } from './sets.ts';
import { combine, type Use } from './uses.ts';

/** Versions of `kubescheduler.config.k8s.io`, oldest first, and what their profiles begin with. */
const VERSIONS: Readonly<Record<string, readonly DefaultPlugin[]>> = {
  v1alpha1: DEFAULT_PLUGINS_BETA1,
  v1beta1: DEFAULT_PLUGINS_BETA1,
  v1beta2: DEFAULT_PLUGINS_BETA2,
  v1beta3: DEFAULT_PLUGINS,
  v1: DEFAULT_PLUGINS,
};
export const COMPONENT_GROUP = 'kubescheduler.config.k8s.io';
export const COMPONENT_VERSIONS = Object.keys(VERSIONS);

/** What is the cluster's here, or done in another way. */
const OF_NO_USE = [
  'apiVersion',
  'kind',
  'clientConnection',
  'healthzBindAddress',
  'metricsBindAddress',
  'enableProfiling',
  'enableContentionProfiling',
  'delayCacheUntilActive',
  'disablePreemption',
  'bindTimeoutSeconds',
];

/** A `KubeSchedulerConfiguration`. What is wrong is noted in the reader. */
export function readComponentConfiguration(file: Reader, version: string): SchedulerConfiguration {
  const notes: string[] = [];
  file.ignore(...OF_NO_USE);
  if (file.has('leaderElection')) notes.push('leaderElection is set for the whole cluster');
  const parallelism = file.integer('parallelism');
  if (parallelism !== undefined && parallelism <= 0) {
    const said = 'should be an integer value greater than zero';
    file.findings.push(invalidValue(file.at('parallelism'), parallelism, said));
  } else if (parallelism !== undefined) {
    notes.push('parallelism has no effect: one thread looks at all nodes');
  }
  const percentage = readPercentage(file);
  const extenders = readExtenders(file);
  const backoff = readBackoff(file);
  const context = {
    defaults: defaultsOf(file, version),
    ignored: ignoredResources(extenders),
    percentage,
  };
  const profiles = readProfiles(file, version, context);
  file.end();
  return { profiles, extenders, ...backoff, notes };
}

interface ProfileContext {
  readonly defaults: readonly DefaultPlugin[];
  readonly ignored: readonly string[];
  readonly percentage: number | undefined;
}

/** `algorithmSource` of v1alpha1 names a provider. */
function defaultsOf(file: Reader, version: string): readonly DefaultPlugin[] {
  const fallback = VERSIONS[version] ?? DEFAULT_PLUGINS;
  const source = version === 'v1alpha1' ? file.object('algorithmSource') : undefined;
  if (!source) return fallback;
  const provider = source.string('provider') ?? 'DefaultProvider';
  source.end();
  const known = PROVIDERS[provider];
  if (known) return known;
  const said = `algorithm provider is not known: there are ${Object.keys(PROVIDERS).join(' and ')}`;
  file.findings.push(invalidValue(source.at('provider'), provider, said));
  return fallback;
}

function readBackoff(file: Reader) {
  const initial = file.integer('podInitialBackoffSeconds');
  const max = file.integer('podMaxBackoffSeconds');
  if (initial !== undefined && initial <= 0) {
    const path = file.at('podInitialBackoffSeconds');
    file.findings.push(invalidValue(path, initial, 'must be greater than 0'));
  }
  if ((max ?? BACKOFF_SECONDS_MAX) < (initial ?? BACKOFF_SECONDS_MIN)) {
    const said = 'must be greater than or equal to PodInitialBackoffSeconds';
    file.findings.push(
      invalidValue(file.at('podMaxBackoffSeconds'), max ?? BACKOFF_SECONDS_MAX, said),
    );
  }
  return {
    ...(initial !== undefined && { podInitialBackoffMs: 1_000 * initial }),
    ...(max !== undefined && { podMaxBackoffMs: 1_000 * max }),
  };
}

const BACKOFF_SECONDS_MIN = 1;
const BACKOFF_SECONDS_MAX = 10;

function readPercentage(holder: Reader): number | undefined {
  return holder.integerIn('percentageOfNodesToScore', [0, 100], 'not in valid range [0-100]');
}

function readProfiles(file: Reader, version: string, context: ProfileContext): ProfileSettings[] {
  const isOld = version === 'v1alpha1';
  const given = isOld ? [] : file.objects('profiles');
  const readers = given.length > 0 ? given : [new Reader(oldProfile(file, isOld), file.findings)];
  const names = new Map<string, number>();
  const sorters: (readonly string[])[] = [];
  const profiles = readers.map((reader, i) => {
    const sets = readSets(reader.object('plugins'));
    sorters.push(sortersOf(sets, context.defaults));
    const profile = readProfile(reader, sets, { ...context, isOnly: given.length < 2 });
    const first = names.get(profile.schedulerName);
    if (first !== undefined) {
      const other = file.at('profiles').index(first).child('schedulerName').toString();
      file.findings.push(duplicate(reader.at('schedulerName'), other));
    }
    names.set(profile.schedulerName, first ?? i);
    return profile;
  });
  checkQueueSort(file, sorters);
  return profiles;
}

/** v1alpha1 is one profile; later versions without profiles have the default one. */
function oldProfile(file: Reader, isOld: boolean): Record<string, unknown> {
  if (!isOld) return {};
  const fields = ['schedulerName', 'plugins', 'pluginConfig'].map(name => [name, file.raw(name)]);
  return Object.fromEntries(fields);
}

function readProfile(
  reader: Reader,
  sets: PluginSets,
  { defaults, ignored, percentage, isOnly }: ProfileContext & { readonly isOnly: boolean },
): ProfileSettings {
  let schedulerName = reader.string('schedulerName');
  if (!schedulerName) {
    if (!isOnly) reader.findings.push(required(reader.at('schedulerName')));
    schedulerName = 'default-scheduler';
  }
  const own = readPercentage(reader) ?? percentage;
  const merged = mergeSets(defaults, sets);
  const args = readPluginConfig(reader);
  reader.end();
  const wishes = merged.flatMap(plugin => {
    const given = args.get(plugin.name);
    return usesOf({ ...plugin, ...(given && { args: given }) });
  });
  return {
    schedulerName,
    ...(own !== undefined && { percentageOfNodesToScore: own }),
    plugins: [...combine([...wishes, ...alsoIgnoring(wishes, ignored)]), ...NO_OTHERS],
  };
}

/** Whose `queueSort` is enabled: of the defaults, one has it. */
function sortersOf(sets: PluginSets, defaults: readonly DefaultPlugin[]): readonly string[] {
  const kept = mergeSets(defaults, sets).filter(({ name, points }) => {
    return name === 'PrioritySort' && (points?.includes('queueSort') ?? true);
  });
  const enabled = sets.get('queueSort')?.enabled ?? [];
  return [...new Set([...kept, ...enabled].map(({ name }) => name))];
}

/** Only what the configuration enables is used. */
export const NO_OTHERS = [{ name: '*', disabled: true }] as const;

/** What extenders look after is none of NodeResourcesFit's business. */
export function alsoIgnoring(uses: readonly Use[], ignored: readonly string[]): Use[] {
  const fit = uses.find(({ plugin }) => plugin === 'NodeResourcesFit');
  if (!fit || ignored.length === 0) return [];
  return [{ ...fit, args: { ignoredResources: ignored } }];
}

/** The list `pluginConfig`: args by plugin. */
function readPluginConfig(profile: Reader): Map<string, Record<string, unknown>> {
  const args = new Map<string, Record<string, unknown>>();
  profile.objects('pluginConfig').forEach((entry, i) => {
    const path = profile.at('pluginConfig').index(i);
    const name = entry.string('name') ?? '';
    if (args.has(name)) profile.findings.push(duplicate(path, name));
    const holder = entry.object('args');
    entry.end();
    args.set(name, holder ? readArgs(name, holder, path.child('args')) : {});
  });
  return args;
}

function readArgs(name: string, args: Reader, path: FieldPath): Record<string, unknown> {
  const kind = args.raw('kind');
  args.ignore('apiVersion');
  if (kind !== undefined && kind !== `${name}Args` && ARGS[name]) {
    args.findings.push(invalidValue(path.child('kind'), kind, 'has to match plugin args'));
  }
  const read = ARGS[name];
  if (!read) return args.rest();
  const config = read(args);
  args.end();
  return config;
}

/** There is one queue, and so one order. */
function checkQueueSort(file: Reader, sorters: readonly (readonly string[])[]): void {
  sorters.forEach((names, i) => {
    const path = file.at('profiles').index(i).child('plugins', 'queueSort');
    if (names.length > 1) {
      const said = 'only one queue sort plugin can be enabled';
      file.findings.push(invalidValue(path.child('Enabled'), names.length, said));
    } else if (names[0] !== sorters[0]?.[0]) {
      const said = 'must be the same for all profiles';
      file.findings.push(invalidValue(path, names, said));
    }
  });
}
