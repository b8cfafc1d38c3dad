import { definePoint } from './extension.ts';
import type { JsonSchema, PluginContext } from './plugin.ts';
import {
  type ClusterEvent,
  type FailurePolicy,
  SCHEDULER_POINTS,
  type SchedulerPlugin,
  type SchedulerPoint,
} from './scheduler.ts';
import { Evaluator } from './scheduler-evaluator.ts';
import type {
  Consultation,
  Consulted,
  EvaluateBatch,
  EvaluateResult,
  HeldVerdict,
  PointCall,
} from './scheduler-remote.ts';
import type { Verdict } from './scheduler-verdict.ts';

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
  /** It has `normalize`: what it says about a node depends on which others are feasible. */
  readonly normalizes: boolean;
  /** JSON Schema of `options`: a scheduler's profile may give others. */
  readonly config: JsonSchema;
  /** The plugin itself, in its own thread. */
  readonly local?: SchedulerPlugin;
  /** In its own thread: another one of it, with other options. They must fit `config`. */
  instantiate?(options: unknown): SchedulerPlugin;
  /** Filters and scores for one or more pods, after bringing the copy of the nodes up to date. */
  evaluate(batch: EvaluateBatch): EvaluateResult | Promise<EvaluateResult>;
  /** Calls a point after the choice of a node: reserve, permit, preBind, bind, postBind. */
  invoke(call: PointCall): Promise<readonly (Verdict | HeldVerdict | undefined)[]>;
  /** Calls preEnqueue, queueSort, postFilter or preempt. */
  consult(question: Consultation): Promise<Consulted>;
}

export const schedulerPoint = definePoint<SchedulerContribution>({
  name: 'scheduler',
  combine: 'unique',
  methods: ['evaluate', 'invoke', 'consult'],
});

/** Adds a scheduler plugin from any plugin's `activate`; the factories below do just this. */
export function provideSchedulerPlugin<C, S>(
  ctx: Pick<PluginContext<C>, 'provide' | 'config'>,
  plugin: SchedulerPlugin<C, S> | ((config: C) => SchedulerPlugin<C, S>),
): void {
  const contribution = createSchedulerContribution(plugin, ctx.config);
  ctx.provide(schedulerPoint, contribution, contribution.name);
}

/**
 * For those who test a plugin without a cluster or embed the scheduler. A function makes a plugin
 * that keeps something of its own: each profile with other options gets one for itself.
 */
export function createSchedulerContribution<C, S>(
  plugin: SchedulerPlugin<C, S> | ((config: C) => SchedulerPlugin<C, S>),
  options: C,
): SchedulerContribution {
  const make = typeof plugin === 'function' ? plugin : () => plugin;
  // What is kept together from here on fits together: the plugin, its config and its state.
  return new ProvidedPlugin(make as (config: unknown) => SchedulerPlugin, options);
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
  readonly normalizes: boolean;
  readonly config: JsonSchema;
  readonly #make: (config: unknown) => SchedulerPlugin;
  readonly #plugin: SchedulerPlugin;
  readonly #evaluator: Evaluator;

  constructor(make: (config: unknown) => SchedulerPlugin, options: unknown) {
    const plugin = make(options);
    this.#make = make;
    this.config = plugin.config ?? {};
    this.name = plugin.name;
    this.points = SCHEDULER_POINTS.filter(point => plugin[point] !== undefined);
    this.options = options;
    this.cacheable = plugin.cacheable ?? false;
    this.onFailure = plugin.onFailure ?? 'fail';
    this.deadlineMs = plugin.deadlineMs ?? DEADLINE_MS_DEFAULT;
    this.readsPods = plugin.readsPods ?? false;
    this.requeueOn = plugin.requeueOn?.map(each => (typeof each === 'string' ? each : each.on));
    this.skipsLate = plugin.skipsLate ?? false;
    this.normalizes = plugin.normalize !== undefined;
    this.#plugin = plugin;
    this.#evaluator = new Evaluator(other => (other === options ? plugin : make(other)), options);
  }

  get local(): SchedulerPlugin {
    return this.#plugin;
  }

  instantiate(options: unknown): SchedulerPlugin {
    return this.#make(options);
  }

  evaluate(batch: EvaluateBatch): EvaluateResult {
    return this.#evaluator.evaluate(batch);
  }

  invoke(call: PointCall): Promise<readonly (Verdict | HeldVerdict | undefined)[]> {
    return this.#evaluator.invoke(call);
  }

  consult(question: Consultation): Promise<Consulted> {
    return this.#evaluator.consult(question);
  }
}
