import type { ConfigOf } from './config-type.ts';
import type { JsonSchema, PluginDefinition } from './plugin.ts';
import type { SchedulerPlugin } from './scheduler.ts';
import { provideSchedulerPlugin } from './scheduler-contribution.ts';

/** What the factories take; the functions' arguments are typed by what is given. */
export type FilterPlugin<C, S> = Pick<
  SchedulerPlugin<C, S>,
  Facets | 'preFilter' | 'filterNodes' | 'refusals'
> &
  Required<Pick<SchedulerPlugin<C, S>, 'filter'>>;
export type ScorePlugin<C, S> = Pick<
  SchedulerPlugin<C, S>,
  Facets | 'preScore' | 'normalize' | 'scoreNodes'
> &
  Required<Pick<SchedulerPlugin<C, S>, 'score'>>;
type Facets =
  | 'name'
  | 'config'
  | 'cacheable'
  | 'onFailure'
  | 'deadlineMs'
  | 'readsPods'
  | 'requeueOn';

/**
 * Entry modules: `export default scheduler.score({...})`. The type of `config` is read off the
 * schema, unless it is given: `scheduler.score<Config, State>({...})`.
 */
export const scheduler = {
  filter<C = never, S = unknown, const J extends JsonSchema = JsonSchema>(
    plugin: FilterPlugin<Given<C, J>, S> & { readonly config?: J },
  ): PluginDefinition<Given<C, J>> {
    return definitionOf(plugin);
  },
  score<C = never, S = unknown, const J extends JsonSchema = JsonSchema>(
    plugin: ScorePlugin<Given<C, J>, S> & { readonly config?: J },
  ): PluginDefinition<Given<C, J>> {
    return definitionOf(plugin);
  },
  /** Several points in one. */
  plugin<C = never, S = unknown, const J extends JsonSchema = JsonSchema>(
    plugin: SchedulerPlugin<Given<C, J>, S> & { readonly config?: J },
  ): PluginDefinition<Given<C, J>> {
    return definitionOf(plugin);
  },
  /**
   * A plugin that keeps something of its own: `create` makes one for each scheduler's profile that
   * gives it other options.
   */
  stateful<C = never, S = unknown, const J extends JsonSchema = JsonSchema>(
    plugin: StatefulPlugin<Given<C, J>, S> & { readonly config?: J },
  ): PluginDefinition<Given<C, J>> {
    const { name, config } = plugin;
    const whole = (options: Given<C, J>) => ({
      ...plugin.create(options),
      name,
      ...(config && { config }),
    });
    return {
      name,
      ...(config && { config }),
      activate: ctx => provideSchedulerPlugin(ctx, whole),
    };
  },
};

export interface StatefulPlugin<C, S> extends Pick<SchedulerPlugin<C, S>, 'name' | 'config'> {
  create(config: C): Omit<SchedulerPlugin<C, S>, 'name' | 'config'>;
}

type Given<C, J extends JsonSchema> = [C] extends [never] ? ConfigOf<J> : C;

function definitionOf<C, S>(plugin: SchedulerPlugin<C, S>): PluginDefinition<C> {
  return {
    name: plugin.name,
    ...(plugin.config && { config: plugin.config }),
    activate: ctx => provideSchedulerPlugin(ctx, plugin),
  };
}
