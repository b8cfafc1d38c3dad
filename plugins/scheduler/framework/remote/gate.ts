import type {
  Clock,
  ClusterTracker,
  Consulted,
  PodContext,
  PodInfo,
  QueuedPod,
  SchedulerContribution,
  Verdict,
  Wake,
  WithArgs,
} from 'kernetes/sdk';
import { packPods, verdict } from 'kernetes/sdk';
import { withDeadline } from '../binding/deadline.ts';
import { REMOTE_GATE_PODS_MAX, REMOTE_GATE_RETRY_MS, REMOTE_RANKS_MAX } from '../limits.ts';
import { assertRanks, assertVerdicts } from './check.ts';

/**
 * preEnqueue and queueSort of a plugin in another thread. A pod is kept out of the queue until the
 * plugin has been heard: what it has against the pod, and its rank, a number that the queue is
 * sorted by. All pods that come in one turn are one message.
 */
export class RemoteGate {
  readonly #contribution: SchedulerContribution;
  readonly #args: WithArgs;
  readonly #clock: Clock;
  readonly #waiting: Verdict;
  /** Asked about, by key. A pod that changed is another object. */
  readonly #heard = new Map<string, Hearing>();
  #unasked: Hearing[] = [];
  /** By key, of pods that may be in the queue. The oldest first. */
  #ranks = new Map<string, number>();
  #gone: string[] = [];
  #isNew = true;
  #sequence = 0;
  #wake: Wake = () => {};

  constructor(contribution: SchedulerContribution, args: WithArgs, clock: Clock) {
    this.#contribution = contribution;
    this.#args = args;
    this.#clock = clock;
    this.#waiting = verdict.unschedulable(`waits to be heard by plugin "${contribution.name}"`);
  }

  watch(wake: Wake): () => void {
    this.#wake = wake;
    return () => {
      this.#wake = () => {};
    };
  }

  track(): ClusterTracker {
    return { podAdded: ({ key }) => this.#leave(key) };
  }

  /** Each answer is for one entrance to the queue. */
  admit({ pod }: PodContext): Verdict | undefined {
    const hearing = this.#heard.get(pod.key);
    if (hearing?.pod !== pod) {
      this.#hear(pod);
      return this.#waiting;
    }
    if (!hearing.outcome) return this.#waiting;
    this.#heard.delete(pod.key);
    const { verdict: said, error } = hearing.outcome;
    if (error) throw error;
    return said;
  }

  compare(a: QueuedPod, b: QueuedPod): number {
    return (this.#ranks.get(a.pod.key) ?? 0) - (this.#ranks.get(b.pod.key) ?? 0);
  }

  #hear(pod: PodInfo): void {
    const hearing: Hearing = { pod, outcome: undefined };
    this.#heard.set(pod.key, hearing);
    if (this.#unasked.push(hearing) === 1) queueMicrotask(() => this.#askAll());
  }

  #askAll(): void {
    const all = this.#unasked.filter(hearing => this.#heard.get(hearing.pod.key) === hearing);
    this.#unasked = [];
    for (let from = 0; from < all.length; from += REMOTE_GATE_PODS_MAX) {
      void this.#ask(all.slice(from, from + REMOTE_GATE_PODS_MAX));
    }
  }

  async #ask(hearings: readonly Hearing[]): Promise<void> {
    try {
      const verdicts = await this.#verdicts(hearings.map(({ pod }) => pod));
      const admitted = hearings.filter((_, i) => isAdmitted(verdicts[i]));
      if (this.#contribution.points.includes('queueSort')) await this.#rank(admitted);
      hearings.forEach((hearing, i) => {
        hearing.outcome = { verdict: verdicts[i], error: undefined };
      });
    } catch (error) {
      this.#fail(hearings, error);
      return;
    }
    this.#tell(hearings);
  }

  /** One pod's event tells it; the others wait, or go on, without a word. */
  #fail(hearings: readonly Hearing[], error: unknown): void {
    const mayGoOn = this.#contribution.onFailure === 'ignore';
    hearings.forEach((hearing, i) => {
      hearing.outcome = {
        verdict: mayGoOn ? undefined : this.#waiting,
        error: i === 0 ? error : undefined,
      };
    });
    this.#tell(hearings);
    if (mayGoOn) return;
    this.#clock.setTimeout(() => this.#tell(hearings), REMOTE_GATE_RETRY_MS);
  }

  #tell(hearings: readonly Hearing[]): void {
    const keys = new Set(hearings.map(({ pod }) => pod.key));
    this.#wake(({ key }) => keys.has(key));
  }

  async #verdicts(pods: readonly PodInfo[]): Promise<readonly (Verdict | undefined)[]> {
    if (!this.#contribution.points.includes('preEnqueue')) return pods.map(() => undefined);
    const question = { point: 'preEnqueue', pods: packPods(pods), ...this.#args } as const;
    const { verdicts } = await this.#consult(question);
    assertVerdicts(verdicts, pods.length);
    return verdicts as readonly (Verdict | undefined)[];
  }

  async #rank(hearings: readonly Hearing[]): Promise<void> {
    if (hearings.length === 0) return;
    const queuedAt = this.#clock.now();
    const queued = hearings.map(({ pod }): QueuedPod => {
      return { pod, queuedAt, sequence: this.#sequence++, attempts: 0 };
    });
    const question = { reset: this.#isNew, queued, gone: this.#gone, ...this.#args };
    this.#isNew = false;
    this.#gone = [];
    try {
      const answer = await this.#consult({ point: 'queueSort', ...question });
      const keys = answer.keys ?? hearings.map(({ pod }) => pod.key);
      assertRanks(answer.ranks, keys);
      this.#takeRanks(keys, answer);
    } catch (error) {
      this.#isNew = true;
      throw error;
    }
  }

  #takeRanks(keys: readonly string[], { ranks }: Consulted): void {
    keys.forEach((key, i) => {
      this.#ranks.delete(key);
      this.#ranks.set(key, ranks?.[i] as number);
    });
    for (const oldest of this.#ranks.keys()) {
      if (this.#ranks.size <= REMOTE_RANKS_MAX) break;
      this.#leave(oldest);
    }
  }

  #leave(key: string): void {
    if (this.#ranks.delete(key)) this.#gone.push(key);
  }

  #consult(question: Parameters<SchedulerContribution['consult']>[0]): Promise<Consulted> {
    const { deadlineMs } = this.#contribution;
    return withDeadline(this.#clock, deadlineMs, this.#contribution.consult(question));
  }
}

interface Hearing {
  readonly pod: PodInfo;
  outcome: { readonly verdict: Verdict | undefined; readonly error: unknown } | undefined;
}

function isAdmitted(said: Verdict | undefined): boolean {
  return said?.code !== 'unschedulable' && said?.code !== 'unresolvable';
}
