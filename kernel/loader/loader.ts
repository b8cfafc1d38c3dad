import type { Clock } from '../../sdk/clock.ts';
import { type ElectionSettings, electionRules, leaseNameOf } from '../../sdk/leadership.ts';
import type { Logger } from '../../sdk/logger.ts';
import type { PluginDefinition } from '../../sdk/plugin.ts';
import type { Random } from '../../sdk/random.ts';
import { SharedElections } from '../../sdk/shared-elections.ts';
import { SharedInformers } from '../../sdk/shared-informers.ts';
import type { PluginLink } from '../plugin-link.ts';
import { checkConfig } from './config.ts';
import type { GrantAuthorizer } from './grants.ts';
import { InlinePlugin } from './inline-plugin.ts';
import { LoadError } from './manifest.ts';
import { type PlannedPlugin, planPlugins } from './plan.ts';
import type { Placement, ProfileEntry } from './profile.ts';
import {
  type Builtins,
  findSource,
  type ImportEntry,
  objectSource,
  type PluginSource,
} from './sources.ts';

export interface LoaderOptions {
  /** In profile order. An object is a definition that the embedding program made. */
  readonly entries: readonly LoaderEntry[];
  readonly builtins: Builtins;
  readonly importEntry: ImportEntry;
  /** Runs plugins in threads and processes of their own. */
  readonly hosts: HostFactory;
  readonly defaultPlacement: (source: PluginSource) => Placement;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly grants: GrantAuthorizer;
  /** Absent: no plugin is elected, and all may act. */
  readonly elections?: ElectionSettings;
  /** `provides` is what the plugin's manifest says, if it has one. */
  readonly linkFor: (
    plugin: string,
    where: { readonly remote: boolean; readonly provides?: readonly string[] },
  ) => PluginLink;
  /** Resolves when what the plugins contributed so far is in force. */
  readonly settled: () => Promise<void>;
}

export type LoaderEntry =
  | ProfileEntry
  | (Omit<ProfileEntry, 'name' | 'path' | 'package'> & { readonly definition: PluginDefinition });

/** Makes hosts; see `kernel/pool`. */
export type HostFactory = (
  group: string,
  plugins: readonly PlannedPlugin[],
  options: HostGroupOptions,
) => HostedGroup;

export interface HostGroupOptions {
  readonly linkFor: (plugin: string) => PluginLink;
  readonly elections?: ElectionSettings;
  /** A plugin's code was read, and says this of itself. */
  readonly onLoaded: (plugin: PlannedPlugin, leader: true | string | undefined) => void;
}

/** Plugins that share a thread or process. */
export interface HostedGroup {
  /** Reads the plugins' code, in its confined host; checks their configs. */
  load(): Promise<void>;
  activate(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs the plugins of a profile. Everything that can be checked is checked first; one failure and
 * nothing starts. Inline plugins are activated one after the other in the order of their needs,
 * then the hosts, which hold the rest, all at once.
 */
export class Loader {
  readonly #options: LoaderOptions;
  readonly #ranks = new Map<string, number>();
  readonly #inline: InlinePlugin[] = [];
  readonly #groups: HostedGroup[] = [];

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  /** Where a plugin stands in the profile. The kernel's own contributions come first. */
  rankOf(plugin: string): number {
    return this.#ranks.get(plugin) ?? -1;
  }

  async start(): Promise<void> {
    const planned = this.#plan();
    for (const { name, granted } of planned) {
      this.#options.grants.set(name, granted.objects ?? []);
    }
    const inline = planned.filter(({ placement }) => placement === 'inline');
    const groups = this.#makeGroups(planned.filter(({ placement }) => placement !== 'inline'));
    this.#groups.push(...groups);
    const loading = groups.map(group => group.load());
    // The threads start while this one is busy; a failure is looked at below.
    const loaded = Promise.all(loading);
    loaded.catch(() => undefined);
    this.#inline.push(...(await this.#loadInline(inline)));
    await Promise.allSettled(loading);
    await loaded;
    for (const plugin of this.#inline) {
      await named(plugin.name, plugin.activate());
      await named(plugin.name, this.#options.settled());
    }
    await Promise.all(groups.map(group => group.activate()));
    await this.#options.settled();
  }

  /** Hosts first: they use what the inline plugins give. Everything is tried. */
  async stop(): Promise<void> {
    const errors: unknown[] = [];
    const attempt = (work: Promise<void>) =>
      work.catch((error: unknown) => void errors.push(error));
    await Promise.all(this.#groups.splice(0).map(group => attempt(group.stop())));
    for (const plugin of this.#inline.splice(0).reverse()) await attempt(plugin.dispose());
    for (const error of errors) this.#options.log.error('Cannot unload a plugin', { error });
  }

  #plan(): PlannedPlugin[] {
    const { entries, builtins, importEntry, defaultPlacement } = this.#options;
    const found = entries.map(entry => ({
      entry,
      source:
        'definition' in entry
          ? objectSource(entry.definition)
          : findSource(entry, builtins, importEntry),
    }));
    found.forEach(({ source }, rank) => {
      this.#ranks.set(source.manifest.name, rank);
    });
    const planned = planPlugins(found, { sdkVersion: SDK_VERSION, defaultPlacement });
    for (const { name, placement, source } of planned) {
      if (source.file !== undefined || placement === 'inline') continue;
      throw new LoadError(`Plugin "${name}" was given as an object: it can only run inline`);
    }
    return planned;
  }

  async #loadInline(planned: readonly PlannedPlugin[]): Promise<InlinePlugin[]> {
    const { clock, random, linkFor } = this.#options;
    const { elections: settings } = this.#options;
    const shared = new SharedInformers({ clock, random });
    const elections = settings && new SharedElections({ settings, clock, random });
    const load = async (plugin: PlannedPlugin) => {
      const { name, source, config } = plugin;
      const definition = await named(name, source.load());
      const checked = checkConfig(name, config, definition.config, source.validateConfig);
      const link = linkFor(name, { remote: false, ...provided(source) });
      this.#onLoaded(plugin, definition.leader || undefined);
      const options = { name, definition, config: checked, link, clock, random, shared };
      return { ...options, ...(elections && { elections }) };
    };
    const loaded = await Promise.all(planned.map(load));
    return loaded.map(options => new InlinePlugin(options));
  }

  /** Our own plugins need not ask for what all who are elected need. */
  #onLoaded({ name, source, granted }: PlannedPlugin, leader: true | string | undefined): void {
    const { elections, grants } = this.#options;
    if (!elections || !leader || source.origin !== 'builtin') return;
    grants.set(name, [...(granted.objects ?? []), ...electionRules(leaseNameOf(name, leader))]);
  }

  #makeGroups(planned: readonly PlannedPlugin[]): HostedGroup[] {
    const byGroup = new Map<string, PlannedPlugin[]>();
    for (const plugin of planned) {
      const { placement, name } = plugin;
      const group = placement.startsWith('worker:') ? placement.slice('worker:'.length) : name;
      byGroup.set(group, [...(byGroup.get(group) ?? []), plugin]);
    }
    const sources = new Map(planned.map(({ name, source }) => [name, source]));
    const linkFor = (plugin: string) =>
      this.#options.linkFor(plugin, { remote: true, ...provided(sources.get(plugin)) });
    const { elections, hosts } = this.#options;
    const options: HostGroupOptions = {
      linkFor,
      onLoaded: (plugin, leader) => this.#onLoaded(plugin, leader),
      ...(elections && { elections }),
    };
    return [...byGroup].map(([group, plugins]) => hosts(group, plugins, options));
  }
}

/** Nothing for a single file or an object: what stands for its manifest is made up. */
function provided(source: PluginSource | undefined): { provides?: readonly string[] } {
  if (source === undefined || source.origin === 'file' || source.origin === 'object') return {};
  return { provides: source.manifest.provides };
}

/** Makes sure that what went wrong says with which plugin. */
async function named<T>(plugin: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof LoadError && cause.message.includes(plugin)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LoadError(`plugin/${plugin}: ${why.split('\n', 1)[0]}`, { cause });
  }
}

/** Semver; a plugin's `sdk` range is checked against it. */
export const SDK_VERSION = '0.1.0';
