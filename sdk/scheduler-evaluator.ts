import type {
  BindRequest,
  ClusterTracker,
  NodeContext,
  PostFilterContext,
  PreemptionChoice,
  SchedulerPlugin,
} from './scheduler.ts';
import { Answer } from './scheduler-answer.ts';
import { Held } from './scheduler-held.ts';
import { type NodeInfo, NodeState, type PodInfo } from './scheduler-info.ts';
import { unpackPods } from './scheduler-pods.ts';
import { QueueRanks } from './scheduler-ranks.ts';
import type {
  Consultation,
  Consulted,
  EvaluateBatch,
  EvaluateResult,
  HeldVerdict,
  PointCall,
  PostFilterConsultation,
  WithArgs,
} from './scheduler-remote.ts';
import { NodeReplica, NodeReplicas } from './scheduler-replica.ts';
import { checkedScore, isRefusal, type Verdict } from './scheduler-verdict.ts';

type MakePlugin = (options: unknown) => SchedulerPlugin;

/** The plugin's side of what the scheduler asks from another thread. */
export class Evaluator {
  readonly #make: MakePlugin;
  readonly #options: unknown;
  readonly #nodes = new NodeReplicas();
  readonly #instances = new Map<string, Instance>();
  #trackers: readonly ClusterTracker[] = [];

  /** `make` is called once for each options that a profile gives. */
  constructor(make: MakePlugin, options: unknown) {
    this.#make = make;
    this.#options = options;
  }

  evaluate(batch: EvaluateBatch): EvaluateResult {
    const instance = this.#instance(batch);
    this.#nodes.apply(batch.changes, this.#trackers);
    return instance.evaluate(batch, this.#nodes);
  }

  /** The points after a node was chosen. The answers are in the order of the bindings. */
  invoke(call: PointCall): Promise<readonly (Verdict | HeldVerdict | undefined)[]> {
    return this.#instance(call).invoke(call, this.#nodes.all);
  }

  async consult(question: Consultation): Promise<Consulted> {
    const instance = this.#instance(question);
    switch (question.point) {
      case 'preEnqueue':
        return { verdicts: instance.preEnqueue(unpackPods(question.pods), this.#nodes.all) };
      case 'queueSort':
        return instance.ranks.place(question);
      case 'postFilter':
        return instance.postFilter(question, this.#nodes.all);
      case 'preempt':
        return instance.preempt(question.pod, question.choices, this.#nodes.all);
    }
  }

  #instance({ args }: WithArgs): Instance {
    const key = args ? JSON.stringify(args.options) : '';
    let instance = this.#instances.get(key);
    if (!instance) {
      const options = args ? args.options : this.#options;
      const plugin = this.#make(options);
      instance = new Instance(plugin, options);
      this.#instances.set(key, instance);
      const tracker = plugin.track?.();
      if (tracker) {
        this.#nodes.introduce(tracker);
        this.#trackers = [...this.#trackers, tracker];
      }
    }
    return instance;
  }
}

/** A plugin with one profile's options. */
class Instance {
  readonly #plugin: SchedulerPlugin;
  readonly #options: unknown;
  readonly #states = new Map<string, unknown>();
  readonly #held = new Map<string, Held>();
  readonly ranks: QueueRanks;

  constructor(plugin: SchedulerPlugin, options: unknown) {
    this.#plugin = plugin;
    this.#options = options;
    this.ranks = new QueueRanks((a, b) => plugin.queueSort?.(a, b) ?? 0);
  }

  evaluate(batch: EvaluateBatch, nodes: NodeReplicas): EvaluateResult {
    const answer = new Answer(batch.nodes.length);
    unpackPods(batch.pods).forEach((pod, i) => {
      try {
        this.#evaluatePod(batch, { pod, i }, nodes, answer);
      } catch (error) {
        answer.fail(i, error, batch.offsets);
      }
    });
    return answer.result(batch.score);
  }

  #evaluatePod(
    batch: EvaluateBatch,
    { pod, i }: { readonly pod: PodInfo; readonly i: number },
    nodes: NodeReplicas,
    answer: Answer,
  ): void {
    const context = this.#contextOf(pod, nodes.all);
    const filter = batch.filter ? this.#preFilter(context) : undefined;
    const feasible: NodeInfo[] = [];
    const places: number[] = [];
    const to = batch.offsets[i + 1] as number;
    for (let at = batch.offsets[i] as number; at < to; at++) {
      const node = nodes.at(batch.nodes[at] as number);
      const refusal = filter && this.#filter(filter, context, node);
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

  /** What preFilter leaves for each node; undefined: nothing is asked about them. */
  #preFilter(context: OwnContext): Filtering | undefined {
    const before = this.#plugin.preFilter?.(context);
    if (before?.code === 'skip') return undefined;
    return {
      refusal: isRefusal(before) ? before : undefined,
      only: before?.code === 'only' ? new Set(before.nodeNames) : undefined,
    };
  }

  #filter({ refusal, only }: Filtering, context: OwnContext, node: NodeInfo): Verdict | undefined {
    if (refusal) return refusal;
    if (only && !only.has(node.name)) return ELSEWHERE;
    context.node = node;
    return this.#plugin.filter?.(context);
  }

  #score(
    context: OwnContext,
    feasible: readonly NodeInfo[],
    places: readonly number[],
    answer: Answer,
  ): void {
    const plugin = this.#plugin;
    if (!plugin.score || feasible.length === 0) return;
    if (plugin.preScore?.(Object.assign(context, { feasible }))?.code === 'skip') return;
    const scores = plugin.normalize ? new Float64Array(feasible.length) : answer.scores;
    for (let i = 0; i < feasible.length; i++) {
      context.node = feasible[i] as NodeInfo;
      scores[plugin.normalize ? i : (places[i] as number)] = plugin.score(context);
    }
    plugin.normalize?.(scores, context);
    for (let i = 0; i < places.length; i++) {
      const at = places[i] as number;
      const score = scores[plugin.normalize ? i : at] as number;
      answer.scores[at] = checkedScore(plugin.name, score);
    }
  }

  async invoke(
    call: PointCall,
    all: readonly NodeInfo[],
  ): Promise<readonly (Verdict | HeldVerdict | undefined)[]> {
    if (call.point === 'bind') {
      return (await this.#plugin.bind?.(call.bindings, this.#options)) ?? [];
    }
    const verdicts: (Verdict | HeldVerdict | undefined)[] = [];
    for (let i = 0; i < call.bindings.length; i++) {
      const { pod } = call.bindings[i] as BindRequest;
      verdicts.push(
        call.point === 'held'
          ? await this.#held.get(pod.key)?.settled()
          : await this.#invokeFor(call, i, all),
      );
    }
    return verdicts;
  }

  async #invokeFor(call: PointCall, i: number, all: readonly NodeInfo[]) {
    const { pod } = call.bindings[i] as BindRequest;
    const { point, nodes, usage } = call;
    const context = this.#contextOf(pod, all);
    const copy = nodes[i];
    if (!copy) throw new Error(`Cannot call ${point}: the node of "${pod.key}" is not told`);
    const node = new NodeReplica(copy);
    node.use(usage, i);
    for (const [at, amounts] of usage.scalars) if (at === i) node.useScalars(amounts);
    const changed = usage.pods?.[i];
    if (changed) node.changePods(changed, []);
    context.node = node;
    const isOver = point === 'postBind' || point === 'unreserve';
    if (isOver) this.#held.delete(pod.key);
    const outcome = await this.#call(point, context);
    if (isOver) this.#states.delete(pod.key);
    else this.#remember(context);
    if (outcome?.code !== 'wait') return outcome;
    this.#held.set(pod.key, new Held(outcome));
    return { code: 'wait', timeoutMs: outcome.timeoutMs } satisfies HeldVerdict;
  }

  async #call(point: PointCall['point'], context: OwnContext): Promise<Verdict | undefined> {
    if (point === 'held' || point === 'bind') return undefined;
    return (await this.#plugin[point]?.(context)) ?? undefined;
  }

  preEnqueue(pods: readonly PodInfo[], all: readonly NodeInfo[]): (Verdict | undefined)[] {
    return pods.map(pod => this.#plugin.preEnqueue?.(this.#contextOf(pod, all)));
  }

  async postFilter(question: PostFilterConsultation, all: readonly NodeInfo[]): Promise<Consulted> {
    const { pod, refused, refusals, nominations } = question;
    const cleared: string[] = [];
    const context: PostFilterContext = {
      ...this.#contextOf(pod, all),
      refusals: new Map(
        refused.flatMap(([name, place]) => {
          const refusal = refusals[place];
          return refusal ? [[name, refusal] as const] : [];
        }),
      ),
      nominations: new Map(nominations),
      clearNominations: pods => void cleared.push(...pods.map(({ key }) => key)),
      trialScope: undefined,
      trial: () => refuseElsewhere('trial'),
      reject: () => refuseElsewhere('reject'),
      narrow: () => refuseElsewhere('narrow'),
    };
    return { ...(await this.#plugin.postFilter?.(context)), cleared };
  }

  async preempt(
    pod: PodInfo,
    choices: readonly PreemptionChoice[],
    all: readonly NodeInfo[],
  ): Promise<Consulted> {
    const left = await this.#plugin.preempt?.(choices, this.#contextOf(pod, all));
    return {
      choices: (left ?? choices).map(({ nodeName, victims, violations }) => {
        return { nodeName, victims: victims.map(({ key }) => key), violations };
      }),
    };
  }

  #contextOf(pod: PodInfo, nodes: readonly NodeInfo[]): OwnContext {
    const state = this.#states.size > 0 ? this.#states.get(pod.key) : undefined;
    return { pod, config: this.#options, state, nodes, node: NO_NODE };
  }

  /** Keeps the state for the points after binding, if the plugin has any. */
  #remember(context: OwnContext): void {
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
}

/** Pods whose state is kept here between points: as many as may be on their way to be bound. */
const STATES_MAX = 8_192;

const ELSEWHERE: Verdict = {
  code: 'unresolvable',
  reasons: ["node(s) didn't satisfy plugin(s)' PreFilter result"],
};

type OwnContext = { -readonly [K in keyof NodeContext]: NodeContext[K] };

interface Filtering {
  readonly refusal: Verdict | undefined;
  readonly only: ReadonlySet<string> | undefined;
}

function refuseElsewhere(what: string): never {
  throw new Error(
    `${what}() works only in the scheduler's own thread: place the plugin beside the scheduler`,
  );
}

const NO_NODE: NodeInfo = new NodeState('', -1);
