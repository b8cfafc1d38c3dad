import type { Clock } from './clock.ts';
import type { EventRecorder } from './events.ts';
import type { Contributions, Disposer, ExtensionPoint } from './extension.ts';
import type { Informer, InformerOptions } from './informer.ts';
import type { Kind, KubeObject } from './kind.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { ObjectClient } from './objects.ts';
import type { Random } from './random.ts';

/**
 * What a plugin's entry module default-exports. Making one has no effect; everything happens in
 * `activate`.
 */
export interface PluginDefinition<C = unknown> {
  /** `<kind>.<name>`, as in the manifest; for a single file without one, any name. */
  readonly name: string;
  /** JSON Schema of `ctx.config`; its defaults are filled in, violations stop the start. */
  readonly config?: JsonSchema;
  /**
   * Called once per life of the plugin, in its own thread. It must be done within the deadline.
   * A throw fails the plugin; what `ctx` handed out until then is disposed.
   */
  activate(ctx: PluginContext<C>): void | Promise<void>;
}

/** A JSON Schema as ajv reads it (draft-07). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * All that a plugin gets. Whatever it hands out (informers, subscriptions, contributions, timers)
 * is disposed in reverse order when the plugin is unloaded, also after a half-finished `activate`.
 */
export interface PluginContext<C = unknown> {
  readonly name: string;
  readonly config: C;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Its pending timers are cancelled on unload. */
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  /** Aborted when the unload begins. */
  readonly signal: AbortSignal;

  /** A cache of one kind, kept up to date by a watch; shared by all plugins of the thread. */
  informer<T extends KubeObject>(kind: Kind<T>, options?: InformerOptions): Informer<T>;

  /**
   * Adds something to an extension point, until the plugin is unloaded or the result is called.
   * `name` defaults to the plugin's.
   */
  provide<T>(point: ExtensionPoint<T>, value: T, name?: string): Disposer;

  /** What plugins, this one included, added to a point. */
  contributions<T>(point: ExtensionPoint<T>): Contributions<T>;

  /** Runs `disposer` on unload, after everything that was registered later. */
  onDispose(disposer: Disposer): void;
}

/** Only gives its argument back, typed: an entry module's default export. */
export function definePlugin<C = unknown>(definition: PluginDefinition<C>): PluginDefinition<C> {
  return definition;
}
