import type {
  BindRequest,
  Clock,
  HeldVerdict,
  NodeState,
  PodInfo,
  PointCall,
  Verdict,
} from 'kernetes/sdk';
import { nodeCopyOf, nodeUsageOf } from 'kernetes/sdk';
import { withDeadline } from '../binding/deadline.ts';
import { REMOTE_HELD_ASK_MS } from '../limits.ts';
import type { EnabledPlugin } from '../profile/profile.ts';
import { argsOf } from './args.ts';
import { assertVerdicts } from './check.ts';

/** Calls the points after the choice of a node of plugins in other threads. Throws what is wrong. */
export class RemoteCalls {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async call(
    enabled: EnabledPlugin,
    point: Exclude<PointCall['point'], 'held' | 'bind'>,
    { pod, node }: { readonly pod: PodInfo; readonly node: NodeState },
  ): Promise<Verdict | undefined> {
    const call = {
      point,
      bindings: [{ pod, nodeName: node.name }],
      nodes: [nodeCopyOf(node)],
      usage: nodeUsageOf([node], podsOf(enabled, node)),
    };
    const [verdict] = await this.#ask(enabled, call);
    if (verdict?.code !== 'wait') return verdict as Verdict | undefined;
    if (point !== 'permit') throw new Error(`its ${point} cannot make the pod wait`);
    const { timeoutMs } = verdict;
    return { code: 'wait', timeoutMs, until: this.#untilReleased(enabled, call, timeoutMs) };
  }

  async bind(
    enabled: EnabledPlugin,
    bindings: readonly BindRequest[],
  ): Promise<readonly (Verdict | undefined)[]> {
    const call = { point: 'bind', bindings, nodes: [], usage: nodeUsageOf([]) } as const;
    return (await this.#ask(enabled, call)) as readonly (Verdict | undefined)[];
  }

  /**
   * Asks for the end of a wait, again and again: no call stays open for as long as a pod may wait.
   * A plugin that is gone meanwhile has nobody's promise any more.
   */
  async #untilReleased(
    enabled: EnabledPlugin,
    permit: PointCall,
    timeoutMs: number,
  ): Promise<Verdict | undefined> {
    const end = this.#clock.monotonic() + timeoutMs;
    const call: PointCall = { ...permit, point: 'held' };
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = end - this.#clock.monotonic()) {
      const answer = this.#invoke(enabled, call);
      const askAgain = Symbol('again');
      const waitMs = Math.min(leftMs, REMOTE_HELD_ASK_MS);
      const outcome = await Promise.race([answer, after(this.#clock, waitMs, askAgain)]);
      if (outcome === askAgain) {
        // Answered when the next question comes.
        answer.catch(() => {});
        continue;
      }
      const [verdict] = outcome as Awaited<typeof answer>;
      if (verdict?.code !== 'wait') return verdict as Verdict | undefined;
    }
    return { code: 'unschedulable', reasons: [`its permit did not come in ${timeoutMs} ms`] };
  }

  async #ask(enabled: EnabledPlugin, call: PointCall) {
    const { deadlineMs } = enabled.contribution;
    return withDeadline(this.#clock, deadlineMs, this.#invoke(enabled, call));
  }

  async #invoke(
    enabled: EnabledPlugin,
    call: PointCall,
  ): Promise<readonly (Verdict | HeldVerdict | undefined)[]> {
    const verdicts = await enabled.contribution.invoke({ ...call, ...argsOf(enabled) });
    assertVerdicts(verdicts, call.bindings.length);
    return verdicts;
  }
}

function after<T>(clock: Clock, ms: number, value: T): Promise<T> {
  return new Promise(resolve => void clock.setTimeout(() => resolve(value), ms));
}

function podsOf({ contribution }: EnabledPlugin, { pods }: NodeState) {
  return contribution.readsPods ? [{ added: [...pods], removed: [] }] : undefined;
}
