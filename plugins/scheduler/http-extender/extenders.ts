import {
  type BindRequest,
  type Consultation,
  type Consulted,
  type EvaluateBatch,
  type EvaluateResult,
  type FailurePolicy,
  type JsonSchema,
  type Logger,
  NodeReplicas,
  type PodInfo,
  type PointCall,
  type PreemptionChoice,
  type RemoteChoice,
  type SchedulerContribution,
  type SchedulerPoint,
  unpackPods,
  type Verdict,
  verdict,
} from 'kernetes/sdk';
import type { Extender } from './extender.ts';

/** A call from another thread is given up after 30 s. */
const DEADLINE_MS_MAX = 29_000;
/** Of a batch, a part is asked about at a time: so many rounds, each within the timeouts. */
const ROUNDS = 10;

/**
 * The extenders as one plugin of the scheduler, without a part that could be called directly: it is
 * asked by messages wherever it is. Nodes go through the filters of all extenders, one after the
 * other, as upstream's do after the plugins'; priorities are asked for at the same time.
 */
export class Extenders implements SchedulerContribution {
  readonly name = 'HTTPExtenders';
  readonly points: readonly SchedulerPoint[];
  readonly options: unknown;
  readonly cacheable = false;
  readonly onFailure: FailurePolicy = 'fail';
  readonly deadlineMs: number;
  readonly readsPods = false;
  readonly requeueOn = undefined;
  readonly skipsLate = true;
  readonly normalizes = false;
  readonly config: JsonSchema = {};
  readonly #extenders: readonly Extender[];
  readonly #log: Logger;
  readonly #nodes = new NodeReplicas();

  constructor(
    extenders: readonly Extender[],
    { options, log }: { readonly options: unknown; readonly log: Logger },
  ) {
    this.#extenders = extenders;
    this.#log = log;
    this.options = options;
    const has = (verb: Verb) => extenders.some(({ setting }) => setting[verb]);
    this.points = POINTS.flatMap(([point, verb]) => (has(verb) ? [point] : []));
    const timeoutMs = extenders.reduce((sum, extender) => sum + 2 * extender.timeoutMs, 0);
    this.deadlineMs = Math.min(ROUNDS * timeoutMs, DEADLINE_MS_MAX);
  }

  async evaluate(batch: EvaluateBatch): Promise<EvaluateResult> {
    this.#nodes.apply(batch.changes);
    const names = Array.from(batch.nodes, index => this.#nodes.at(index).name);
    const result = {
      verdicts: new Uint16Array(names.length),
      refusals: [] as Verdict[],
      scores: new Float64Array(names.length),
      errors: [] as { pod: number; message: string }[],
    };
    await Promise.all(
      unpackPods(batch.pods).map(async (pod, i) => {
        const from = batch.offsets[i] as number;
        const own = names.slice(from, batch.offsets[i + 1]);
        try {
          const refusals = await this.#filter(pod, own);
          const left = own.filter(name => !refusals.has(name));
          const scores = batch.score ? await this.#scores(pod, left) : NO_SCORES;
          own.forEach((name, k) => {
            const refusal = refusals.get(name);
            if (refusal) result.verdicts[from + k] = placeOf(refusal, result.refusals);
            else result.scores[from + k] = scores.get(name) ?? 0;
          });
        } catch (error) {
          result.errors.push({ pod: i, message: messageOf(error) });
        }
      }),
    );
    return result;
  }

  /** `bind` only: the first that binds such pods does; others are for the next binder. */
  async invoke({ bindings }: PointCall): Promise<readonly (Verdict | undefined)[]> {
    return Promise.all(bindings.map(binding => this.#bind(binding)));
  }

  async consult(question: Consultation): Promise<Consulted> {
    if (question.point !== 'preempt') throw new Error(`Extenders have no "${question.point}"`);
    const { pod, choices } = question;
    let left: readonly PreemptionChoice[] = choices;
    for (const extender of this.#concerned(pod, 'preemptVerb')) {
      if (left.length === 0) break;
      const answer = await this.#unlessIgnorable(extender, () => extender.preempt(pod, left));
      if (answer) left = answer.map(choice => keptOf(choice, left));
    }
    return {
      choices: left.map(({ victims, ...choice }) => {
        return { ...choice, victims: victims.map(({ key }) => key) };
      }),
    };
  }

  async #filter(pod: PodInfo, names: readonly string[]): Promise<ReadonlyMap<string, Verdict>> {
    const refusals = new Map<string, Verdict>();
    let left = names;
    for (const extender of this.#concerned(pod, 'filterVerb')) {
      if (left.length === 0) break;
      const said = await this.#unlessIgnorable(extender, () => extender.filter(pod, left));
      if (!said) continue;
      for (const [name, refusal] of said) refusals.set(name, refusal);
      left = left.filter(name => !said.has(name));
    }
    return refusals;
  }

  /** 0 to 100: each extender's share is its weight. One that fails has none, as upstream. */
  async #scores(pod: PodInfo, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>();
    if (names.length === 0) return sums;
    const whole = this.#extenders
      .filter(({ setting }) => setting.prioritizeVerb)
      .reduce((sum, { setting }) => sum + (setting.weight ?? 1), 0);
    await Promise.all(
      this.#concerned(pod, 'prioritizeVerb').map(async extender => {
        try {
          const share = (10 * (extender.setting.weight ?? 1)) / whole;
          for (const [name, score] of await extender.prioritize(pod, names)) {
            sums.set(name, (sums.get(name) ?? 0) + share * score);
          }
        } catch (error) {
          this.#tell(extender, error);
        }
      }),
    );
    return sums;
  }

  async #bind({ pod, nodeName }: BindRequest): Promise<Verdict | undefined> {
    const [extender] = this.#concerned(pod, 'bindVerb');
    if (!extender) return verdict.skip;
    try {
      await extender.bind(pod, nodeName);
      return undefined;
    } catch (error) {
      return verdict.unschedulable(`binding rejected: ${messageOf(error)}`);
    }
  }

  #concerned(pod: PodInfo, verb: Verb): readonly Extender[] {
    return this.#extenders.filter(extender => extender.setting[verb] && extender.concerns(pod));
  }

  async #unlessIgnorable<T>(extender: Extender, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!extender.setting.ignorable) throw error;
      this.#tell(extender, error);
      return undefined;
    }
  }

  #tell({ setting: { urlPrefix } }: Extender, error: unknown): void {
    this.#log.warn('Scheduler extender failed and is ignored', { urlPrefix, error });
  }
}

type Verb = 'filterVerb' | 'prioritizeVerb' | 'bindVerb' | 'preemptVerb';

const POINTS: readonly (readonly [SchedulerPoint, Verb])[] = [
  ['filter', 'filterVerb'],
  ['preempt', 'preemptVerb'],
  ['score', 'prioritizeVerb'],
  ['bind', 'bindVerb'],
];

const NO_SCORES: ReadonlyMap<string, number> = new Map();

function placeOf(refusal: Verdict, refusals: Verdict[]): number {
  const text = JSON.stringify(refusal);
  const at = refusals.findIndex(known => JSON.stringify(known) === text);
  return at < 0 ? refusals.push(refusal) : at + 1;
}

function keptOf(
  { nodeName, victims, violations }: RemoteChoice,
  choices: readonly PreemptionChoice[],
): PreemptionChoice {
  const keys = new Set(victims);
  const offered = choices.find(choice => choice.nodeName === nodeName)?.victims ?? [];
  return { nodeName, violations, victims: offered.filter(({ key }) => keys.has(key)) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
