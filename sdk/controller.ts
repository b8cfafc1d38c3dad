import type { Clock } from './clock.ts';
import { runController } from './controller-runner.ts';
import type { EventRecorder } from './events.ts';
import type { Informer, InformerOptions } from './informer.ts';
import type { Kind, KubeObject, ObjectKey } from './kind.ts';
import type { Logger } from './logger.ts';
import type { ObjectClient } from './objects.ts';
import { definePlugin, type JsonSchema, type PluginDefinition } from './plugin.ts';
import type { ReconcileResult } from './queue-runner.ts';
import type { Random } from './random.ts';

/** A controller as data: what it looks at, and what it does about one object. */
export interface ControllerOptions<
  T extends KubeObject = KubeObject,
  C = unknown,
  W extends readonly KubeObject[] = readonly KubeObject[],
> extends ControllerSources<T, W> {
  /** The plugin's name. */
  readonly name: string;
  readonly config?: JsonSchema;
  /**
   * Of several processes on one database one runs it: `true` for an election of its own, a name for
   * one together with all that name it. All keys are worked on when it becomes the leader; when it
   * is no more, what is under way is waited for and its writes are refused. See `Leadership`.
   * Default: false.
   */
  readonly leader?: boolean | string;
  readonly reconcile: Reconcile<T, C>;
}

/** What a controller looks at. */
export interface ControllerSources<
  T extends KubeObject = KubeObject,
  W extends readonly KubeObject[] = readonly KubeObject[],
> {
  /** A change of such an object enqueues its key. */
  readonly for: Kind<T>;
  /** Of `for`'s kind only these fields are kept. Absent: all. */
  readonly fields?: readonly string[];
  readonly indexes?: InformerOptions['indexes'];
  /** A change of such an object enqueues the key of its controller, if that is of `for`'s kind. */
  readonly owns?: readonly (Kind | ControllerSource)[];
  /** A change of such an object enqueues what its `map` says. */
  readonly watches?: { readonly [I in keyof W]: ControllerWatch<W[I]> };
  /** How many objects are worked on at a time. Default 1; never two with the same key. */
  readonly concurrency?: number;
  /**
   * An object is worked on again no sooner than so long after it last was begun; what happens
   * meanwhile is dealt with in one. For work that grows with the number of what is watched. Default 0.
   */
  readonly intervalMs?: number;
}

export interface ControllerSource<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  /** Only these are kept. A kind that is named twice keeps the fields of both. */
  readonly fields?: readonly string[];
  /** For `byIndex` of its informer; `controller` is always there: `byController`. */
  readonly indexes?: InformerOptions['indexes'];
}

export interface ControllerWatch<T extends KubeObject> extends ControllerSource<T> {
  /**
   * The keys that an object concerns. Called with the old and the new state of a change; must be
   * quick and free of effects.
   */
  map(object: T, view: ControllerView): readonly ObjectKey[];
}

/** The copies that the controller keeps anyway. */
export interface ControllerView {
  /** Of a kind that `for`, `owns` or `watches` names; throws for another. */
  informer<K extends KubeObject>(kind: Kind<K>): Informer<K>;
}

/**
 * Brings the world one step nearer to what the object wants. Level-based: it is called with a key,
 * looks at how things are now, and must come to the same end however often and after whatever
 * changes it is called; also after a crash half-way through an earlier call. When it throws it is
 * called again, later and later.
 */
export type Reconcile<T extends KubeObject, C> = (
  key: ObjectKey,
  context: ReconcileContext<T, C>,
) => ReconcileResult | Promise<ReconcileResult>;

export interface ReconcileContext<T extends KubeObject, C> {
  readonly config: C;
  /** The object of the key, as the informer has it; undefined: it is gone. Not to be changed. */
  readonly object: T | undefined;
  /** Those of a kind that `owns` names whose controller is `object`. Not to be changed. */
  owned<K extends KubeObject>(kind: Kind<K>): K[];
  /** Those of such a kind in the key's namespace that have no controller: to be adopted, perhaps. */
  orphans<K extends KubeObject>(kind: Kind<K>): K[];
  /** The copy of a kind that `for`, `owns` or `watches` names. */
  informer<K extends KubeObject>(kind: Kind<K>): Informer<K>;
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Aborted when the plugin is unloaded. */
  readonly signal: AbortSignal;
}

/** A plugin that is one controller. For one with state of its own, see `runController`. */
export function controller<
  T extends KubeObject,
  C = unknown,
  const W extends readonly KubeObject[] = readonly KubeObject[],
>(options: ControllerOptions<T, C, W>): PluginDefinition<C> {
  const { name, config, leader, ...rest } = options;
  return definePlugin<C>({
    name,
    ...(config && { config }),
    ...(leader && { leader }),
    async activate(ctx) {
      await runController(ctx, rest);
    },
  });
}
