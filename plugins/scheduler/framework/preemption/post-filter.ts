import type {
  Clock,
  NodeInfo,
  NodeState,
  NodeTrial,
  PodContext,
  PodInfo,
  PostFilterContext,
  PostFilterResult,
  PreemptionChoice,
  Refusal,
} from 'kernetes/sdk';
import { withDeadline } from '../binding/deadline.ts';
import type { Cache } from '../cache.ts';
import { Diagnosis } from '../cycle/diagnosis.ts';
import { POST_FILTER_MS_MAX } from '../limits.ts';
import { type EnabledPlugin, PluginFailure } from '../profile/profile.ts';
import type { RunningProfile } from '../profile/profiles.ts';
import type { Nominator } from './nominator.ts';
import { Trial, TrialFilters, trialFiltersOf, trialScopeOf } from './trial.ts';

/**
 * What plugins do for pods that fit nowhere: make room. One pod after the other, so that each sees
 * what the ones before it were promised; other pods are scheduled meanwhile. A pod that stood in
 * line while something changed is looked at again first: it may fit by now.
 */
export class PostFilterLine {
  readonly #options: PostFilterOptions;
  readonly #line: Job[] = [];
  #busy = false;
  #stopped = false;

  constructor(options: PostFilterOptions) {
    this.#options = options;
  }

  /** Takes over a pod of a profile with postFilters; `settled`, `failed` or `again` gets it back. */
  add(pod: PodInfo, diagnosis: Diagnosis, running: RunningProfile): void {
    this.#line.push({ pod, diagnosis, running, stamp: this.#stamp() });
    if (!this.#busy) void this.#work();
  }

  /** Nobody is asked any more, and what is under way comes to nothing here. */
  stop(): void {
    this.#stopped = true;
    this.#line.length = 0;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let job = this.#line.shift(); job; job = this.#line.shift()) {
      try {
        await this.#serve(job);
      } catch (error) {
        if (!this.#stopped) this.#options.failed(job.pod, error);
      }
    }
    this.#busy = false;
  }

  async #serve({ pod, running, stamp, ...job }: Job): Promise<void> {
    const { isCurrent, again, settled } = this.#options;
    if (!isCurrent(pod, running)) return again(pod);
    let { diagnosis } = job;
    if (stamp !== this.#stamp() && running.remotes.length === 0) {
      const found = running.cycle.filter(pod);
      if (!(found instanceof Diagnosis)) return again(pod);
      diagnosis = found;
    }
    const refused = running.cycle.prepare(pod) !== undefined;
    const room = new RoomFor(pod, diagnosis, {
      ...{ running, cache: this.#options.cache, nominator: this.#options.nominator },
      scope: refused ? undefined : trialScopeOf(running.profile),
      filters: refused
        ? undefined
        : trialFiltersOf(pod, running.profile, this.#options.cache.nodes),
      clock: this.#options.clock,
      clear: pods => this.#options.cleared(pods),
      reject: other => this.#options.reject(other),
    });
    const texts: string[] = [];
    let nominated: string | undefined;
    for (const enabled of running.profile.postFilters) {
      const result = await this.#ask(enabled, pod, room);
      if (result?.message) texts.push(result.message);
      nominated = result?.nodeName ?? nominated;
      if (this.#stopped) return;
      if (result?.nodeName) break;
    }
    settled(pod, diagnosis, { nominated, text: texts.join(', ') });
  }

  async #ask(
    enabled: EnabledPlugin,
    pod: PodInfo,
    room: RoomFor,
  ): Promise<PostFilterResult | undefined> {
    const { clock, cache, ignored } = this.#options;
    try {
      const asked = enabled.plugin.postFilter?.(room.contextOf(enabled));
      const result = await withDeadline(clock, POST_FILTER_MS_MAX, Promise.resolve(asked));
      assertResult(result);
      if (result?.nodeName && !cache.node(result.nodeName)) return undefined;
      return result;
    } catch (error) {
      const failure =
        error instanceof PluginFailure ? error : new PluginFailure(enabled.name, error);
      if (!enabled.ignoresFailure) throw failure;
      ignored(failure, pod);
      return undefined;
    }
  }

  /** The same as long as nothing changed that a verdict may depend on. */
  #stamp(): string {
    const { cache, nominator } = this.#options;
    return `${cache.generation}/${nominator.version}`;
  }
}

export interface PostFilterOptions {
  readonly clock: Clock;
  readonly cache: Cache;
  readonly nominator: Nominator;
  /** Whether the pod still waits, and its profile is as it was. */
  isCurrent(pod: PodInfo, running: RunningProfile): boolean;
  /** To be scheduled anew, if it is still there. */
  again(pod: PodInfo): void;
  settled(pod: PodInfo, diagnosis: Diagnosis, outcome: PostFilterOutcome): void;
  failed(pod: PodInfo, error: unknown): void;
  ignored(failure: PluginFailure, pod: PodInfo): void;
  /** Their nominations are to be taken back. */
  cleared(pods: readonly PodInfo[]): void;
  /** Whether permits held it; they do not any more. */
  reject(pod: PodInfo): boolean;
}

export interface PostFilterOutcome {
  /** Empty: an earlier nomination is void. Undefined: it stays. */
  readonly nominated: string | undefined;
  readonly text: string;
}

interface Job {
  readonly pod: PodInfo;
  readonly diagnosis: Diagnosis;
  readonly running: RunningProfile;
  readonly stamp: string;
}

/** What a plugin may ask while it makes room for one pod. */
class RoomFor {
  readonly #pod: PodInfo;
  readonly #diagnosis: Diagnosis;
  readonly #options: RoomOptions;
  /** What the plugins' preFilter left for this pod: their contexts serve the next in a moment. */
  readonly #states: ReadonlyMap<EnabledPlugin, unknown>;

  constructor(pod: PodInfo, diagnosis: Diagnosis, options: RoomOptions) {
    this.#pod = pod;
    this.#diagnosis = diagnosis;
    this.#options = options;
    const { postFilters, preempts } = options.running.profile;
    const asked = [...postFilters, ...preempts];
    this.#states = new Map(asked.map(enabled => [enabled, enabled.context.state]));
  }

  contextOf(enabled: EnabledPlugin): PostFilterContext {
    const { nominator, clear, reject } = this.#options;
    return {
      ...this.#podContext(enabled),
      refusals: this.#diagnosis.byNode,
      trial: node => this.#trial(node),
      trialScope: this.#options.scope,
      nominations: nominator.byNode,
      clearNominations: clear,
      reject,
      narrow: choices => this.#narrow(choices),
    };
  }

  #podContext(enabled: EnabledPlugin): PodContext {
    const { config } = enabled.context;
    const state = this.#states.get(enabled);
    return { pod: this.#pod, config, state, nodes: this.#options.cache.nodes };
  }

  #trial(node: NodeInfo): NodeTrial {
    const { cache, nominator, filters } = this.#options;
    const now = cache.node(node.name) ?? (node as NodeState);
    const trial = new Trial(this.#pod, now, {
      ...{
        filters: filters ?? new TrialFilters(this.#pod, [], cache.nodes),
        nominations: nominator,
      },
      generation: () => cache.newGeneration(),
    });
    // Refused before any node was looked at: no change on a node helps.
    const refusal = filters ? undefined : this.#diagnosis.byNode.get(node.name);
    return refusal ? Object.assign(trial, { check: (): Refusal => refusal }) : trial;
  }

  async #narrow(choices: readonly PreemptionChoice[]): Promise<readonly PreemptionChoice[]> {
    let left = choices;
    for (const enabled of this.#options.running.profile.preempts) {
      if (left.length === 0) break;
      left = await this.#ask(enabled, left);
    }
    return left;
  }

  async #ask(
    enabled: EnabledPlugin,
    choices: readonly PreemptionChoice[],
  ): Promise<readonly PreemptionChoice[]> {
    try {
      const context = this.#podContext(enabled);
      const answer = Promise.resolve(enabled.plugin.preempt?.(choices, context) ?? choices);
      const left = await withDeadline(this.#options.clock, POST_FILTER_MS_MAX, answer);
      assertChoices(left, choices);
      return left;
    } catch (error) {
      if (enabled.ignoresFailure) return choices;
      throw new PluginFailure(enabled.name, error);
    }
  }
}

interface RoomOptions {
  readonly running: RunningProfile;
  readonly cache: Cache;
  readonly nominator: Nominator;
  readonly clock: Clock;
  /** Undefined: the pod was refused before any node was looked at. */
  readonly filters: TrialFilters | undefined;
  readonly scope: object | undefined;
  clear(pods: readonly PodInfo[]): void;
  reject(pod: PodInfo): boolean;
}

function assertResult(result: PostFilterResult | undefined): void {
  const { nodeName, message } = (result ?? {}) as { nodeName?: unknown; message?: unknown };
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  if (!isText(nodeName) || !isText(message)) throw new Error('postFilter gave no result');
}

/** It may take choices and victims away, not think of others. */
function assertChoices(
  left: readonly PreemptionChoice[],
  choices: readonly PreemptionChoice[],
): void {
  const before = new Map(choices.map(choice => [choice.nodeName, choice]));
  const sound = ({ nodeName, victims }: PreemptionChoice) =>
    victims.every(pod => before.get(nodeName)?.victims.some(({ uid }) => uid === pod.uid));
  if (!Array.isArray(left) || !left.every(sound)) throw new Error('preempt chose others');
}
