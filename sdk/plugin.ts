import type { Clock } from './clock.ts';
import type { EventRecorder } from './events.ts';
import type { Contributions, Disposer, ExtensionPoint } from './extension.ts';
import type { Informer, InformerOptions } from './informer.ts';
import type { Kind, KubeObject } from './kind.ts';
import type { Leadership } from './leadership.ts';
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
   * Of several processes on one database it acts in one: it is elected by a Lease, and its writes
   * are fenced by that (see `Leadership`). `true`: by a Lease of its own, named as the plugin; a
   * name: by that Lease, together with all that name it. Its manifest asks for what `electionRules`
   * says. Without effect where the operator wants no elections. Default: false.
   */
  readonly leader?: boolean | string;
  /**
   * What it is where it does not lead. `warm`: active, with its informers kept up to date and its
   * queues at rest. `absent`: not active; it is activated when it becomes the leader, and disposed
   * when it is no more: for plugins that do not work off queues. Default: `warm`.
   */
  readonly standby?: 'warm' | 'absent';
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
  /** Whether it may act. `runQueue` and `runController` heed it. */
  readonly leadership: Leadership;

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
