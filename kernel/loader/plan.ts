import { inOrderOfNeed } from './graph.ts';
import { checkSdkRange, LoadError, type Permissions } from './manifest.ts';
import type { Placement, ProfileEntry } from './profile.ts';
import type { PluginSource } from './sources.ts';

/** A plugin that is going to run: where, with what, and what it may do. */
export interface PlannedPlugin {
  readonly name: string;
  readonly needs: readonly string[];
  readonly source: PluginSource;
  readonly placement: Placement;
  /** Undefined where the profile has none. */
  readonly config: unknown;
  readonly granted: Permissions;
}

export interface PlanOptions {
  readonly sdkVersion: string;
  /** Where a plugin runs that the profile does not place. */
  readonly defaultPlacement: (source: PluginSource) => Placement;
}

/** The plugins in order of activation; throws `LoadError` before any of their code is read. */
export function planPlugins(
  entries: readonly { readonly entry: ProfileEntry; readonly source: PluginSource }[],
  options: PlanOptions,
): PlannedPlugin[] {
  const planned = entries.map(({ entry, source }): PlannedPlugin => {
    const { manifest } = source;
    // Built-in plugins come with their SDK.
    if (source.origin !== 'builtin') checkSdkRange(manifest, options.sdkVersion);
    return {
      name: manifest.name,
      needs: manifest.needs,
      source,
      placement: entry.placement ?? options.defaultPlacement(source),
      config: entry.config,
      granted: grantedTo(entry, source),
    };
  });
  return inOrderOfNeed(planned);
}

/** Asking alone gives nothing: what is asked must be granted, or the plugin does not start. */
function grantedTo({ grants }: ProfileEntry, { manifest, origin }: PluginSource): Permissions {
  const { permissions: asked, name } = manifest;
  if (grants === 'all' || (grants === undefined && origin === 'builtin')) return asked;
  const granted = grants ?? {};
  for (const kind of Object.keys(asked) as (keyof Permissions)[]) {
    if (asked[kind]?.length && granted[kind] === undefined) {
      throw new LoadError(
        `Plugin "${name}" asks for the permission "${kind}" and was not granted it: ` +
          `grant all that its manifest asks for with --grant ${name}`,
      );
    }
  }
  return granted;
}
