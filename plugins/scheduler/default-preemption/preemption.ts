import {
  type Clock,
  DISRUPTION_TARGET,
  type Informer,
  type NodeInfo,
  type Pod,
  type PodInfo,
  type PostFilterContext,
  type PostFilterResult,
  type PreemptionChoice,
  podCondition,
  type Random,
  type Refusal,
  verdict,
} from 'kernetes/sdk';
import type { Budgets } from './budgets.ts';
import { leastHarm } from './choice.ts';
import { type Evictions, PREEMPTED } from './evictions.ts';
import { StartTimes } from './importance.ts';
import { KnownChoices } from './known-choices.ts';
import type { Priorities } from './priorities.ts';
import { VictimSearch } from './victims.ts';

export interface PreemptionConfig {
  readonly minCandidateNodesPercentage: number;
  readonly minCandidateNodesAbsolute: number;
}

export interface PreemptionOptions {
  readonly budgets: Pick<Budgets, 'violators' | 'version'>;
  readonly evictions: Pick<Evictions, 'evict' | 'isEvicted'>;
  readonly priorities: Pick<Priorities, 'lowest'>;
  readonly pods: Pick<Informer<Pod>, 'get'>;
  readonly clock: Clock;
  readonly random: Random;
}

type Context = PostFilterContext<PreemptionConfig>;

/**
 * Makes room for pods, as upstream does. The search runs in one go, so that all it sees is of one
 * moment; it stops when it has found enough nodes. The requests to the API are made later.
 */
export class Preemption {
  readonly #options: PreemptionOptions;
  readonly #times: StartTimes;
  readonly #search: VictimSearch;
  readonly #known: KnownChoices;

  constructor(options: PreemptionOptions) {
    this.#options = options;
    this.#times = new StartTimes(options.pods, options.clock);
    this.#search = new VictimSearch(options.budgets, this.#times);
    this.#known = new KnownChoices(options.budgets);
  }

  async makeRoom(context: Context): Promise<PostFilterResult> {
    const why = this.#ineligibility(context);
    if (why !== undefined) return { message: `preemption: ${why}` };
    const { choices, refusals } = this.#candidates(context);
    if (choices.length === 0) {
      return { nodeName: '', message: `preemption: ${messageOf(context.nodes, refusals)}` };
    }
    const best = leastHarm(await context.narrow(choices), this.#times);
    if (best === undefined) return { message: 'preemption: no candidate node for preemption' };
    const { pod, nominations, clearNominations } = context;
    const lesser = nominations.get(best.nodeName)?.filter(each => each.priority < pod.priority);
    if (lesser && lesser.length > 0) clearNominations(lesser);
    this.#options.evictions.evict(pod, best, {
      reject: victim => context.reject(victim),
      onFailure: () => clearNominations([pod]),
    });
    return { nodeName: best.nodeName };
  }

  /** Why the pod may not have others deleted, in upstream's words. */
  #ineligibility(context: Context): string | undefined {
    const { pod, nodes, refusals } = context;
    if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
    const nominated = nominatedNode(context);
    // What it waits for there would not help any more.
    if (nominated === undefined || refusals.get(nominated)?.code === 'unresolvable')
      return undefined;
    const node = nodes.find(({ name }) => name === nominated);
    const isGoing = (other: PodInfo) => other.priority < pod.priority && this.#isPreempted(other);
    if (!node?.pods.some(isGoing)) return undefined;
    return 'not eligible due to a terminating pod on the nominated node.';
  }

  #isPreempted(pod: PodInfo): boolean {
    if (this.#options.evictions.isEvicted(pod)) return true;
    const known = this.#options.pods.get(pod.key);
    if (!known?.metadata.deletionTimestamp) return false;
    const condition = podCondition(known, DISRUPTION_TARGET);
    return condition?.status === 'True' && condition.reason === PREEMPTED;
  }

  #candidates(context: Context): Candidates {
    const { pod, nodes, refusals } = context;
    const potential = nodes.filter(({ name }) => refusals.get(name)?.code === 'unschedulable');
    if (pod.priority <= this.#options.priorities.lowest) {
      return { choices: [], refusals: potential.map(() => NO_VICTIMS) };
    }
    return potential.length === 0
      ? { choices: [], refusals: [] }
      : this.#tryOut(context, potential);
  }

  /** From a node by chance, so that it is not always the same ones that pods are deleted from. */
  #tryOut(context: Context, potential: readonly NodeInfo[]): Candidates {
    const { length } = potential;
    const from = this.#options.random.integer(length);
    const wanted = candidatesWanted(length, context.config);
    const peaceful: PreemptionChoice[] = [];
    const violating: PreemptionChoice[] = [];
    const refusals: Refusal[] = [];
    for (let i = 0; i < length; i++) {
      const choice = this.#tryNode(context, potential[(from + i) % length] as NodeInfo);
      if ('code' in choice) refusals.push(choice);
      else if (choice.violations === 0) peaceful.push(choice);
      else violating.push(choice);
      if (peaceful.length > 0 && peaceful.length + violating.length >= wanted) break;
    }
    return { choices: [...peaceful, ...violating], refusals };
  }

  #tryNode(context: Context, node: NodeInfo): PreemptionChoice | Refusal {
    const known = this.#known.get(context, node);
    if (known) return known;
    const { pod, trial } = context;
    const lesser = lesserPods(node, pod.priority);
    if (lesser.length === 0) return NO_VICTIMS;
    const found = this.#search.select(trial(node), lesser);
    // It fits as it is: it did not when it was refused, and will be tried again.
    const choice = 'victims' in found && found.victims.length === 0 ? NO_VICTIMS : found;
    const isSettled = 'code' in choice || lesser.every(each => this.#times.isSettled(each));
    if (isSettled) this.#known.set(context, node, choice);
    return choice;
  }
}

function lesserPods({ pods }: NodeInfo, priority: number): readonly PodInfo[] {
  const lesser: PodInfo[] = [];
  for (let i = 0; i < pods.length; i++) {
    const other = pods[i] as PodInfo;
    if (other.priority < priority) lesser.push(other);
  }
  return lesser;
}

interface Candidates {
  readonly choices: readonly PreemptionChoice[];
  /** Of the nodes that were tried. */
  readonly refusals: readonly Refusal[];
}

const NO_VICTIMS = verdict.unresolvable('No preemption victims found for incoming pod');
const NOT_HELPFUL = 'Preemption is not helpful for scheduling';

function nominatedNode({ pod, nominations }: Context): string | undefined {
  for (const [nodeName, pods] of nominations) {
    if (pods.some(({ uid }) => uid === pod.uid)) return nodeName;
  }
  return undefined;
}

export function candidatesWanted(nodes: number, config: PreemptionConfig): number {
  const share = Math.trunc((nodes * config.minCandidateNodesPercentage) / 100);
  return Math.min(nodes, Math.max(share, config.minCandidateNodesAbsolute));
}

/** `0/5 nodes are available: 2 Insufficient cpu, 3 Preemption is not helpful for scheduling.` */
function messageOf(nodes: readonly NodeInfo[], refusals: readonly Refusal[]): string {
  const counts = new Map<string, number>();
  const count = (reason: string, times: number) =>
    counts.set(reason, (counts.get(reason) ?? 0) + times);
  for (const { reasons } of refusals) for (const reason of reasons) count(reason, 1);
  if (nodes.length > refusals.length) count(NOT_HELPFUL, nodes.length - refusals.length);
  const texts = [...counts].map(([reason, times]) => `${times} ${reason}`).sort();
  return `0/${nodes.length} nodes are available: ${texts.join(', ')}.`;
}
