import type {
  Clock,
  Consultation,
  Consulted,
  NodeState,
  PodContext,
  PostFilterContext,
  PostFilterResult,
  PreemptionChoice,
  Refusal,
  SchedulerContribution,
  SchedulerPlugin,
  WithArgs,
} from 'kernetes/sdk';
import { NO_PODS, nodeCopyOf } from 'kernetes/sdk';
import { withDeadline } from '../binding/deadline.ts';
import { assertCleared, choicesOf } from './check.ts';
import { RemoteGate } from './gate.ts';
import { RemoteMirror } from './mirror.ts';

/**
 * What stands in the scheduler's thread for a plugin in another: those of its points that come
 * before or beside the search for a node look as if they were here. The search itself goes by
 * `RemotePlugin`, what follows by `RemoteCalls`.
 */
export function standInFor(
  contribution: SchedulerContribution,
  args: WithArgs,
  clock: Clock,
): SchedulerPlugin {
  const { name, points } = contribution;
  const sorts = points.includes('queueSort');
  const gate =
    sorts || points.includes('preEnqueue') ? new RemoteGate(contribution, args, clock) : undefined;
  const line = new ConsultingLine(contribution, args, clock);
  return {
    name,
    ...(gate && {
      watch: wake => gate.watch(wake),
      preEnqueue: context => gate.admit(context),
    }),
    ...(gate && sorts && { track: () => gate.track(), queueSort: (a, b) => gate.compare(a, b) }),
    ...(points.includes('postFilter') && { postFilter: context => line.postFilter(context) }),
    ...(points.includes('preempt') && {
      preempt: (choices, context) => line.preempt(choices, context),
    }),
  };
}

class ConsultingLine {
  readonly #contribution: SchedulerContribution;
  readonly #args: WithArgs;
  readonly #clock: Clock;
  readonly #mirror: RemoteMirror;

  constructor(contribution: SchedulerContribution, args: WithArgs, clock: Clock) {
    this.#contribution = contribution;
    this.#args = args;
    this.#clock = clock;
    this.#mirror = new RemoteMirror(contribution.readsPods);
  }

  async postFilter(context: PostFilterContext): Promise<PostFilterResult | undefined> {
    const { pod, nodes, nominations } = context;
    const places = new Map<Refusal, number>();
    const refused: [string, number][] = [];
    for (const [node, refusal] of context.refusals) {
      if (!places.has(refusal)) places.set(refusal, places.size);
      refused.push([node, places.get(refusal) as number]);
    }
    this.#tellNodes(nodes as readonly NodeState[]);
    const question = { pod, refused, refusals: [...places.keys()], nominations: [...nominations] };
    try {
      const { nodeName, message, cleared } = await this.#consult({
        ...{ point: 'postFilter', ...question, ...this.#args },
      });
      const keys = assertCleared(cleared);
      const nominated = [...nominations.values()].flat();
      if (keys.size > 0) context.clearNominations(nominated.filter(({ key }) => keys.has(key)));
      return { ...(nodeName && { nodeName }), ...(message && { message }) };
    } catch (error) {
      this.#mirror.forget();
      throw error;
    }
  }

  async preempt(
    choices: readonly PreemptionChoice[],
    { pod, nodes }: PodContext,
  ): Promise<readonly PreemptionChoice[]> {
    const names = new Set(choices.map(({ nodeName }) => nodeName));
    const copies = nodes.filter(({ name }) => names.has(name)).map(nodeCopyOf);
    const question = { pod, choices, nodes: copies, ...this.#args };
    const answer = await this.#consult({ point: 'preempt', ...question });
    return choicesOf(answer.choices, choices);
  }

  /** Before the question, on the same line. What goes wrong the question meets too. */
  #tellNodes(nodes: readonly NodeState[]): void {
    for (const changes of this.#mirror.changes(nodes)) {
      const batch = { ...NOTHING_ASKED, ...this.#args, changes };
      Promise.resolve(this.#contribution.evaluate(batch)).catch(() => this.#mirror.forget());
    }
  }

  #consult(question: Consultation): Promise<Consulted> {
    const { deadlineMs } = this.#contribution;
    return withDeadline(this.#clock, deadlineMs, this.#contribution.consult(question));
  }
}

const NOTHING_ASKED = {
  pods: NO_PODS,
  nodes: new Int32Array(0),
  offsets: new Int32Array(1),
  filter: false,
  score: false,
};
