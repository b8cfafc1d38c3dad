import type { Taint } from './api/types-core-v1.ts';
import type { StringMap } from './kind.ts';
import type { BindRequest, NodeContext, SchedulerPlugin } from './scheduler.ts';
import type { PointCall } from './scheduler-contribution.ts';
import { emptyResources, type NodeInfo, type PodInfo, type Resources } from './scheduler-info.ts';
import { checkedScore, isRefusal, type Verdict } from './scheduler-verdict.ts';

/**
 * How the scheduler talks to a plugin in another thread: one message with all pods of a batch and
 * the nodes to look at, one answer. The plugin's side keeps a copy of all nodes; each message
 * brings what changed since the one before, so a message is small and nothing is asked twice.
 */
export interface EvaluateBatch {
  readonly changes: NodeChanges;
  readonly pods: readonly PodInfo[];
  /** Node indices for pod `i`: `nodes[offsets[i] … offsets[i + 1] - 1]`. */
  readonly nodes: Int32Array;
  readonly offsets: Int32Array;
  readonly filter: boolean;
  readonly score: boolean;
}

export interface NodeChanges {
  /** Forget all that is known first: this message carries every node. */
  readonly reset: boolean;
  readonly nodes: readonly NodeCopy[];
  readonly usage: readonly NodeUsage[];
  readonly removed: readonly number[];
}

/** The part of a node that changes seldom. */
export interface NodeCopy {
  readonly name: string;
  readonly index: number;
  readonly labels: Readonly<StringMap>;
  readonly annotations: Readonly<StringMap>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly allocatable: Readonly<Resources>;
  readonly images: ReadonlyMap<string, number>;
  readonly conditions: ReadonlyMap<string, string>;
}

/** The part that changes with every pod. */
export interface NodeUsage {
  readonly index: number;
  readonly generation: number;
  readonly requested: Readonly<Resources>;
  readonly nonZeroMilliCpu: number;
  readonly nonZeroMemory: number;
  /** Only for plugins that declare `readsPods`. */
  readonly pods?: readonly PodInfo[];
}

export interface EvaluateResult {
  /** For each entry of `nodes`: 0, or 1 + the place of its refusal in `refusals`. */
  readonly verdicts: Uint16Array;
  readonly refusals: readonly Verdict[];
  /** For each entry of `nodes`; 0 to 100. Nodes that were refused have 0. */
  readonly scores: Float64Array;
  /** Pods (by their place in the batch) that the plugin threw on, and the error's text. */
  readonly errors: readonly { readonly pod: number; readonly message: string }[];
}

/** The plugin's side of it. */
export class Evaluator<C, S> {
  readonly #plugin: SchedulerPlugin<C, S>;
  readonly #options: C;
  readonly #nodes: (NodeReplica | undefined)[] = [];
  #all: NodeInfo[] = [];
  readonly #states = new Map<string, S | undefined>();

  constructor(plugin: SchedulerPlugin<C, S>, options: C) {
    this.#plugin = plugin;
    this.#options = options;
  }

  evaluate(batch: EvaluateBatch): EvaluateResult {
    this.#apply(batch.changes);
    const answer = new Answer(batch.nodes.length);
    for (let i = 0; i < batch.pods.length; i++) {
      const from = batch.offsets[i] as number;
      const to = batch.offsets[i + 1] as number;
      try {
        this.#evaluatePod(batch, i, answer);
      } catch (error) {
        answer.scores.fill(0, from, to);
        answer.verdicts.fill(0, from, to);
        answer.errors.push({ pod: i, message: messageOf(error) });
      }
    }
    return answer;
  }

  #evaluatePod(batch: EvaluateBatch, i: number, answer: Answer): void {
    const context = this.#contextOf(batch.pods[i] as PodInfo);
    const feasible: NodeInfo[] = [];
    const places: number[] = [];
    const filters = batch.filter ? this.#preFilter(context) : undefined;
    for (let at = batch.offsets[i] as number; at < (batch.offsets[i + 1] as number); at++) {
      const node = this.#node(batch.nodes[at] as number);
      context.node = node;
      const refusal = filters?.(node);
      if (isRefusal(refusal)) {
        answer.refuse(at, refusal);
      } else {
        feasible.push(node);
        places.push(at);
      }
    }
    if (batch.score) this.#score(context, feasible, places, answer);
    this.#remember(context);
  }

  /** Runs preFilter and gives what is to be asked about each node. */
  #preFilter(context: OwnContext<C, S>): (node: NodeInfo) => Verdict | undefined {
    const before = this.#plugin.preFilter?.(context);
    if (before?.code === 'skip') return () => undefined;
    if (isRefusal(before)) return () => before;
    const only = before?.code === 'only' ? new Set(before.nodeNames) : undefined;
    const elsewhere: Verdict = { code: 'unresolvable', reasons: NOT_SELECTED };
    return node => (only && !only.has(node.name) ? elsewhere : this.#plugin.filter?.(context));
  }

  #score(
    context: OwnContext<C, S>,
    feasible: readonly NodeInfo[],
    places: readonly number[],
    answer: Answer,
  ): void {
    const plugin = this.#plugin;
    if (!plugin.score || feasible.length === 0) return;
    if (plugin.preScore?.(Object.assign(context, { feasible }))?.code === 'skip') return;
    const scores = new Float64Array(feasible.length);
    for (let i = 0; i < feasible.length; i++) {
      context.node = feasible[i] as NodeInfo;
      scores[i] = plugin.score(context);
    }
    plugin.normalize?.(scores, context);
    for (let i = 0; i < scores.length; i++) {
      answer.scores[places[i] as number] = checkedScore(plugin.name, scores[i] as number);
    }
  }

  /** The points after a node was chosen. The answers are in the order of the bindings. */
  async invoke({ point, bindings, nodes }: PointCall): Promise<readonly (Verdict | undefined)[]> {
    const plugin = this.#plugin;
    if (point === 'bind') return (await plugin.bind?.(bindings, this.#options)) ?? [];
    const verdicts: (Verdict | undefined)[] = [];
    for (let i = 0; i < bindings.length; i++) {
      const { pod } = bindings[i] as BindRequest;
      const { copy, usage } = nodes[i] as PointCall['nodes'][number];
      const context = this.#contextOf(pod);
      const node = new NodeReplica(copy, undefined);
      node.use(usage);
      context.node = node;
      const outcome = (await plugin[point]?.(context)) ?? undefined;
      verdicts.push(outcome?.code === 'wait' ? await outcome.until : outcome);
      if (point === 'postBind' || point === 'unreserve') this.#states.delete(pod.key);
      else this.#remember(context);
    }
    return verdicts;
  }

  #contextOf(pod: PodInfo): OwnContext<C, S> {
    const state = this.#states.get(pod.key);
    return { pod, config: this.#options, state, nodes: this.#all, node: NO_NODE };
  }

  /** Keeps the state for the points after binding, if the plugin has any. */
  #remember(context: OwnContext<C, S>): void {
    const { reserve, permit, preBind, postBind } = this.#plugin;
    if (context.state === undefined || !(reserve ?? permit ?? preBind ?? postBind)) return;
    this.#states.delete(context.pod.key);
    this.#states.set(context.pod.key, context.state);
    if (this.#states.size <= STATES_MAX) return;
    for (const oldest of this.#states.keys()) {
      this.#states.delete(oldest);
      break;
    }
  }

  #node(index: number): NodeReplica {
    const node = this.#nodes[index];
    if (!node) throw new Error(`Node ${index} was asked about before it was made known`);
    return node;
  }

  #apply({ reset, nodes, usage, removed }: NodeChanges): void {
    if (reset) this.#nodes.length = 0;
    for (const index of removed) this.#nodes[index] = undefined;
    for (const copy of nodes)
      this.#nodes[copy.index] = new NodeReplica(copy, this.#nodes[copy.index]);
    for (const one of usage) this.#node(one.index).use(one);
    if (!reset && nodes.length === 0 && removed.length === 0) return;
    this.#all = this.#nodes.filter(node => node !== undefined);
  }
}

/** Pods whose state is kept here between points: as many as may be on their way to be bound. */
const STATES_MAX = 8_192;

const NOT_SELECTED = ["node(s) didn't satisfy plugin(s)' PreFilter result"];

type OwnContext<C, S> = { -readonly [K in keyof NodeContext<C, S>]: NodeContext<C, S>[K] };

class Answer implements EvaluateResult {
  readonly verdicts: Uint16Array;
  readonly scores: Float64Array;
  readonly refusals: Verdict[] = [];
  readonly errors: { pod: number; message: string }[] = [];
  readonly #places = new Map<string, number>();

  constructor(length: number) {
    this.verdicts = new Uint16Array(length);
    this.scores = new Float64Array(length);
  }

  refuse(at: number, refusal: Verdict): void {
    const text = JSON.stringify(refusal);
    let place = this.#places.get(text);
    if (place === undefined) {
      place = this.refusals.push(refusal);
      this.#places.set(text, place);
    }
    this.verdicts[at] = place;
  }
}

/** A node as a plugin in another thread sees it. */
class NodeReplica implements NodeInfo {
  readonly name: string;
  readonly index: number;
  readonly labels: Readonly<StringMap>;
  readonly annotations: Readonly<StringMap>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly allocatable: Readonly<Resources>;
  readonly images: ReadonlyMap<string, number>;
  readonly conditions: ReadonlyMap<string, string>;
  generation = 0;
  requested: Readonly<Resources> = NOTHING;
  nonZeroMilliCpu = 0;
  nonZeroMemory = 0;
  #pods: readonly PodInfo[] | undefined;

  constructor(copy: NodeCopy, before: NodeReplica | undefined) {
    this.name = copy.name;
    this.index = copy.index;
    this.labels = copy.labels;
    this.annotations = copy.annotations;
    this.taints = copy.taints;
    this.unschedulable = copy.unschedulable;
    this.allocatable = copy.allocatable;
    this.images = copy.images;
    this.conditions = copy.conditions;
    if (before?.name !== copy.name) return;
    this.generation = before.generation;
    this.requested = before.requested;
    this.nonZeroMilliCpu = before.nonZeroMilliCpu;
    this.nonZeroMemory = before.nonZeroMemory;
    this.#pods = before.#pods;
  }

  get pods(): readonly PodInfo[] {
    if (this.#pods) return this.#pods;
    throw new Error('Cannot read pods of a node in another thread: declare "readsPods: true"');
  }

  use(usage: NodeUsage): void {
    this.generation = usage.generation;
    this.requested = usage.requested;
    this.nonZeroMilliCpu = usage.nonZeroMilliCpu;
    this.nonZeroMemory = usage.nonZeroMemory;
    this.#pods = usage.pods;
  }
}

const NOTHING: Readonly<Resources> = Object.freeze(emptyResources());
const NO_NODE = new NodeReplica(
  {
    name: '',
    index: -1,
    labels: {},
    annotations: {},
    taints: [],
    unschedulable: false,
    allocatable: NOTHING,
    images: new Map(),
    conditions: new Map(),
  },
  undefined,
);

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
