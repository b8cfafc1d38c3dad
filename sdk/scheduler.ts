import { type Disposer, definePoint } from './extension.ts';
import type { JsonSchema, PluginContext } from './plugin.ts';
import type { NodeInfo, PodInfo } from './scheduler-info.ts';
import {
  type EvaluateBatch,
  type EvaluateResult,
  Evaluator,
  type NodeCopy,
  type NodeUsage,
} from './scheduler-remote.ts';
import type { Verdict } from './scheduler-verdict.ts';

/**
 * The scheduling framework's contract. A scheduler plugin implements any of the twelve points
 * (queueSort … postBind); the scheduler's profile says which plugins are enabled, in which order,
 * and how much a score weighs.
 *
 * One cycle of a pod: preFilter → filter (each node) → postFilter (only if none is left) →
 * preScore → score (each feasible node) → normalize → reserve, then off the scheduling path
 * permit → preBind → bind → postBind. Up to reserve everything is synchronous: in the scheduler's
 * own thread a call costs a function call. A plugin elsewhere (another worker, a process) gets one
 * message per cycle or for several cycles together, never one per node; the factories below make
 * that happen, its author does nothing for it.
 *
 * A refusal is a `Verdict`; nothing (`undefined`) means success. A throw is a bug: `onFailure`
 * says what happens then.
 */
export interface SchedulerPlugin<C = unknown, S = unknown> {
  /** Under this name profiles, messages and metrics know it. Upstream's, where there is one. */
  readonly name: string;
  /** JSON Schema of `config`. */
  readonly config?: JsonSchema;
  /**
   * Promises that filter, score and the state made by preFilter and preScore depend on nothing but
   * the config, that node's `NodeInfo` and the pod's spec, labels and namespace. The scheduler then
   * keeps results for pods of the same shape until the node changes. Default: false.
   */
  readonly cacheable?: boolean;
  /**
   * What happens when it throws, gives a bad score, is late or its worker is gone. `fail`: the
   * pod's attempt fails and is repeated after its back-off. `ignore`: as if the plugin were not
   * enabled. Both are logged and told by a Warning event. Default: `fail`.
   */
  readonly onFailure?: FailurePolicy;
  /** In another thread: how long an answer may take. Default 5,000. */
  readonly deadlineMs?: number;
  /** In another thread: its copies of nodes carry `pods`. Costs; default false. */
  readonly readsPods?: boolean;
  /** Changes that can make a pod fit that this plugin refused. Default: all. */
  readonly requeueOn?: readonly ClusterEvent[];
  /**
   * Promises that there is nothing to do for a pod for which preFilter said `skip`, from reserve to
   * postBind: they are not called then, and such pods are bound without a detour. Default: false.
   */
  readonly skipsLate?: boolean;
  /**
   * Called when the plugin is enabled: one that looks at more than nodes and pods calls `wake` when
   * pods that it refused may fit now. What it returns ends that. Same thread only.
   */
  watch?(wake: Wake): Disposer;

  /** Order of the active queue, as in `sort`. Exactly one is enabled; same thread only. */
  queueSort?(a: QueuedPod, b: QueuedPod): number;
  /** A refusal keeps the pod out of the queue until the pod changes. Same thread only. */
  preEnqueue?(context: PodContext<C, S>): Verdict | undefined;
  /**
   * Once a cycle, before any filter. `skip`: this plugin's filter is not called. `only(names)`:
   * no other nodes are looked at. May set `context.state`.
   */
  preFilter?(context: PodContext<C, S>): Verdict | undefined;
  /** Whether the pod may run on `context.node`. Plugins are asked in order until one refuses. */
  filter?(context: NodeContext<C, S>): Verdict | undefined;
  /** No node was left. Names one to nominate, having made room on it; or undefined. Same thread only. */
  postFilter?(context: PostFilterContext<C, S>): Promise<string | undefined>;
  /** Once a cycle, before scores. `skip`: this plugin's score is not called. */
  preScore?(context: PreScoreContext<C, S>): Verdict | undefined;
  /** How well the node suits: 0 to 100, or any finite number if `normalize` brings it there. */
  score?(context: NodeContext<C, S>): number;
  /** Brings the raw scores of all feasible nodes to 0 to 100, in place. */
  normalize?(scores: Float64Array, context: PodContext<C, S>): void;
  /** A node was chosen; keep what the plugin itself must set aside. A refusal undoes the choice. */
  reserve?(context: NodeContext<C, S>): Verdict | undefined;
  /** Undoes `reserve`, or what there is of it; must not fail. Called in reverse order. */
  unreserve?(context: NodeContext<C, S>): void;
  /** Last word before binding; `wait(promise)` holds the pod until the promise settles. */
  permit?(context: NodeContext<C, S>): Verdict | undefined | Promise<Verdict | undefined>;
  preBind?(context: NodeContext<C, S>): Verdict | undefined | Promise<Verdict | undefined>;
  /**
   * Binds pods to their nodes, one answer each; `skip` leaves a pod to the next binder. Comes with
   * as many pods as are ready.
   */
  bind?(bindings: readonly BindRequest[], config: C): Promise<readonly (Verdict | undefined)[]>;
  /** The pod is bound. */
  postBind?(context: NodeContext<C, S>): void | Promise<void>;
}

export type FailurePolicy = 'fail' | 'ignore';

/** Of the pods that the plugin refused, those that `concerns` picks are tried again. Default: all. */
export type Wake = (concerns?: (pod: PodInfo) => boolean) => void;

/** The points, in the order in which a pod passes them. */
export const SCHEDULER_POINTS = [
  'queueSort',
  'preEnqueue',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type SchedulerPoint = (typeof SCHEDULER_POINTS)[number];

/** A change in the cluster that can make a refused pod schedulable. */
export type ClusterEvent =
  | 'NodeAdd'
  | 'NodeAllocatable'
  | 'NodeLabel'
  | 'NodeTaint'
  | 'PodDelete'
  | 'PodAdd'
  | 'PodUpdate';

/**
 * What a call is about. The object is the plugin's own for one cycle and is used again for the
 * next: do not keep it past the call.
 */
export interface PodContext<C = unknown, S = unknown> {
  readonly pod: PodInfo;
  readonly config: C;
  /** This plugin's own, from preFilter to postBind of one pod; undefined at first. */
  state: S | undefined;
  /** All nodes, in no particular order. */
  readonly nodes: readonly NodeInfo[];
}

export interface NodeContext<C = unknown, S = unknown> extends PodContext<C, S> {
  readonly node: NodeInfo;
}

export interface PreScoreContext<C = unknown, S = unknown> extends PodContext<C, S> {
  readonly feasible: readonly NodeInfo[];
}

export interface PostFilterContext<C = unknown, S = unknown> extends PodContext<C, S> {
  /** Why each node was refused, by name. */
  readonly refusals: ReadonlyMap<string, Verdict>;
}

export interface BindRequest {
  readonly pod: PodInfo;
  readonly nodeName: string;
}

/** A pod in the scheduler's queue. */
export interface QueuedPod {
  readonly pod: PodInfo;
  /** When it came in, in milliseconds since the epoch, and the order among those. */
  readonly queuedAt: number;
  readonly sequence: number;
  readonly attempts: number;
}

/**
 * What is provided at the point `scheduler`: what the plugin declares, its configuration, and two
 * ways to call it. From another thread all but `local` is there.
 */
export interface SchedulerContribution {
  readonly name: string;
  readonly points: readonly SchedulerPoint[];
  readonly options: unknown;
  readonly cacheable: boolean;
  readonly onFailure: FailurePolicy;
  readonly deadlineMs: number;
  readonly readsPods: boolean;
  readonly requeueOn: readonly ClusterEvent[] | undefined;
  readonly skipsLate: boolean;
  /** The plugin itself, in its own thread. */
  readonly local?: SchedulerPlugin;
  /** Filters and scores for one or more pods, after bringing the copy of the nodes up to date. */
  evaluate(batch: EvaluateBatch): EvaluateResult | Promise<EvaluateResult>;
  /** Calls a point that is not per node: reserve, permit, preBind, bind, postBind. */
  invoke(call: PointCall): Promise<readonly (Verdict | undefined)[]>;
}

export interface PointCall {
  readonly point: 'reserve' | 'unreserve' | 'permit' | 'preBind' | 'bind' | 'postBind';
  readonly bindings: readonly BindRequest[];
  /** The bindings' nodes, in their order; none for `bind`. */
  readonly nodes: readonly { readonly copy: NodeCopy; readonly usage: NodeUsage }[];
}

export const schedulerPoint = definePoint<SchedulerContribution>({
  name: 'scheduler',
  combine: 'unique',
  methods: ['evaluate', 'invoke'],
});

/** Adds a scheduler plugin from any plugin's `activate`; the factories below do just this. */
export function provideSchedulerPlugin<C, S>(
  ctx: Pick<PluginContext<C>, 'provide' | 'config'>,
  plugin: SchedulerPlugin<C, S>,
): void {
  ctx.provide(schedulerPoint, createSchedulerContribution(plugin, ctx.config), plugin.name);
}

/** For those who test a plugin without a cluster or embed the scheduler. */
export function createSchedulerContribution<C, S>(
  plugin: SchedulerPlugin<C, S>,
  options: C,
): SchedulerContribution {
  // What is kept together from here on fits together: the plugin, its config and its state.
  return new ProvidedPlugin(plugin as SchedulerPlugin, options);
}

/** An answer from another thread that takes longer is none. */
const DEADLINE_MS_DEFAULT = 5_000;

/** Own fields are data, so that they can be sent; functions are on the prototype. */
class ProvidedPlugin implements SchedulerContribution {
  readonly name: string;
  readonly points: readonly SchedulerPoint[];
  readonly options: unknown;
  readonly cacheable: boolean;
  readonly onFailure: FailurePolicy;
  readonly deadlineMs: number;
  readonly readsPods: boolean;
  readonly requeueOn: readonly ClusterEvent[] | undefined;
  readonly skipsLate: boolean;
  readonly #plugin: SchedulerPlugin;
  readonly #evaluator: Evaluator<unknown, unknown>;

  constructor(plugin: SchedulerPlugin, options: unknown) {
    this.name = plugin.name;
    this.points = SCHEDULER_POINTS.filter(point => plugin[point] !== undefined);
    this.options = options;
    this.cacheable = plugin.cacheable ?? false;
    this.onFailure = plugin.onFailure ?? 'fail';
    this.deadlineMs = plugin.deadlineMs ?? DEADLINE_MS_DEFAULT;
    this.readsPods = plugin.readsPods ?? false;
    this.requeueOn = plugin.requeueOn;
    this.skipsLate = plugin.skipsLate ?? false;
    this.#plugin = plugin;
    this.#evaluator = new Evaluator(plugin, options);
  }

  get local(): SchedulerPlugin {
    return this.#plugin;
  }

  evaluate(batch: EvaluateBatch): EvaluateResult {
    return this.#evaluator.evaluate(batch);
  }

  invoke(call: PointCall): Promise<readonly (Verdict | undefined)[]> {
    return this.#evaluator.invoke(call);
  }
}
