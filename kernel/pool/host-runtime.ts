import type { PluginDefinition } from '../../sdk/plugin.ts';
import { PluginLife } from '../../sdk/plugin-life.ts';
import { SharedElections } from '../../sdk/shared-elections.ts';
import { SharedInformers } from '../../sdk/shared-informers.ts';
import { systemClock } from '../clock.ts';
import { systemRandom } from '../random.ts';
import type { HostApi } from './host-api.ts';
import { LinkClient, type ProvidedValue } from './link-client.ts';
import type { WireDefinition } from './wire.ts';

/** Evaluates an entry module; it is evaluated once. */
export type LoadModule = () => Promise<{ readonly default?: unknown }>;

/**
 * The unprivileged half of a host, bundled with the plugins: makes their contexts and runs their
 * lives. It shares the SDK's code, and so its classes, with them.
 */
export function startRuntime(host: HostApi, modules: Readonly<Record<string, LoadModule>>): void {
  const provided = new Map<number, ProvidedValue>();
  const clock = systemClock();
  const random = systemRandom();
  const shared = new SharedInformers({ clock, random });
  const { elections: settings } = host;
  const elections = settings && new SharedElections({ settings, clock, random });
  const times = { clock, random, shared, ...(elections && { elections }) };
  const links = new Map<string, LinkClient>();
  const lives = new Map<string, PluginLife>();
  for (const { name, channel } of host.plugins) {
    const link = new LinkClient({ channel, codec: host.codec, clock, provided });
    links.set(name, link);
  }

  const load = async (plugin: string): Promise<WireDefinition> => {
    const { name, config, leader } = await definitionOf(plugin, modules);
    return { name, ...(config && { config }), ...(leader && { leader }) };
  };
  const activate = async (
    plugin: string,
    link: LinkClient,
    config: unknown,
  ): Promise<undefined> => {
    if (lives.has(plugin)) throw new Error(`Cannot activate "${plugin}": it is active`);
    const definition = await definitionOf(plugin, modules);
    const life = new PluginLife(definition, { name: plugin, config, link, ...times });
    lives.set(plugin, life);
    try {
      await life.activate();
    } catch (error) {
      lives.delete(plugin);
      await life.dispose();
      throw error;
    }
  };
  const deactivate = async (plugin: string): Promise<undefined> => {
    const life = lives.get(plugin);
    lives.delete(plugin);
    await life?.dispose();
  };

  host.serve(command => {
    const { plugin } = command;
    const link = links.get(plugin);
    if (!link) return;
    if (command.type === 'load') link.done(load(plugin));
    else if (command.type === 'activate') link.done(activate(plugin, link, command.config));
    else link.done(deactivate(plugin));
  });
}

async function definitionOf(
  plugin: string,
  modules: Readonly<Record<string, LoadModule>>,
): Promise<PluginDefinition> {
  const loaded = await modules[plugin]?.();
  const definition = loaded?.default as Partial<PluginDefinition> | undefined;
  if (typeof definition?.name !== 'string' || typeof definition.activate !== 'function') {
    throw new Error(
      `Cannot load "${plugin}": its entry module's default export is no plugin definition`,
    );
  }
  return definition as PluginDefinition;
}
