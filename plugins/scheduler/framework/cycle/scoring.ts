import type { NodeState, PodInfo } from 'kernetes/sdk';
import type { Cache } from '../cache.ts';
import type { AttemptRecorder } from '../explanation/attempt-record.ts';
import type { EnabledPlugin, Profile } from '../profile/profile.ts';
import type { NodeQuestions } from './node-questions.ts';
import { NOTHING_SAID } from './pre-filter.ts';
import type { KeptScore, PreFiltered, ShapeResults } from './shape-results.ts';

/**
 * Adds up the scores of feasible nodes. Three sorts, in this order whatever the profile's: kept ones
 * that need no normalizing, as one sum per node; kept ones that do; and those asked anew for each
 * pod. The order is fixed so that sums of fractions come out the same with and without kept results.
 */
export class Scoring {
  readonly #options: ScoringOptions;
  readonly #based: readonly KeptPlugin[];
  readonly #normalized: readonly KeptPlugin[];
  readonly #fresh: readonly EnabledPlugin[];
  #indices: Int32Array = new Int32Array(0);
  #stale = new Int32Array(0);
  #totals = new Float64Array(0);
  #scratch = new Float64Array(0);

  constructor(options: ScoringOptions) {
    const { scores } = options.profile;
    const kept = scores
      .filter(({ cacheable }) => cacheable)
      .map((enabled, place) => ({ enabled, place }));
    this.#options = options;
    this.#based = kept.filter(({ enabled }) => !enabled.plugin.normalize);
    this.#normalized = kept.filter(({ enabled }) => enabled.plugin.normalize);
    this.#fresh = scores.filter(({ cacheable }) => !cacheable);
  }

  /** By place in `feasible`; used again for the next pod. */
  totals(
    pod: PodInfo,
    { nodes: feasible, indices }: Feasible,
    results: ShapeResults,
  ): Float64Array {
    const count = feasible.length;
    this.#makeRoom(count);
    this.#indices = indices;
    this.#preScore(feasible, results);
    this.#keep(count, results);
    const totals = this.#totals;
    const { base } = results;
    for (let i = 0; i < count; i++) totals[i] = base[indices[i] as number] as number;
    const { recorder } = this.#options;
    recorder?.scoring(pod, feasible, indices);
    for (const { enabled, place } of this.#based) {
      if (this.#isAsked(enabled)) recorder?.kept(enabled, results.scores[place] as KeptScore);
    }
    for (const each of this.#normalized) this.#addNormalized(each, results);
    for (const enabled of this.#fresh) this.#addFresh(enabled, count);
    return totals;
  }

  #makeRoom(count: number): void {
    if (this.#totals.length === count) return;
    if (this.#stale.length < count) this.#stale = new Int32Array(2 * count);
    this.#totals = new Float64Array(count);
    this.#scratch = new Float64Array(count);
  }

  #isAsked(enabled: EnabledPlugin): boolean {
    return !enabled.skipsScore && !this.#options.excluded.has(enabled);
  }

  #preScore(feasible: readonly NodeState[], results: ShapeResults): void {
    const { profile, questions, excluded } = this.#options;
    const known = results.preScored;
    const outcomes: PreFiltered[] | undefined = known ? undefined : [];
    for (let i = 0; i < profile.scores.length; i++) {
      const enabled = profile.scores[i] as EnabledPlugin;
      const { context, plugin } = enabled;
      let outcome = enabled.cacheable ? known?.[i] : undefined;
      if (outcome) {
        context.state = outcome.state;
      } else if (excluded.has(enabled)) {
        outcome = NOTHING_SAID;
      } else {
        questions.running = enabled;
        const said = plugin.preScore?.(Object.assign(context, { feasible }));
        outcome = { verdict: said, state: context.state };
      }
      outcomes?.push(outcome);
      enabled.skipsScore = outcome.verdict?.code === 'skip';
    }
    if (outcomes && excluded.size === 0) results.preScored = outcomes;
  }

  /** Brings the kept scores of the feasible nodes up to date. */
  #keep(feasible: number, results: ShapeResults): void {
    const { scoredAt } = results;
    const { generation } = this.#options.cache.columns;
    const indices = this.#indices;
    const stale = this.#stale;
    let count = 0;
    for (let i = 0; i < feasible; i++) {
      const index = indices[i] as number;
      if (scoredAt[index] !== generation[index]) stale[count++] = index;
    }
    if (count === 0) return;
    for (let i = 0; i < count; i++) results.base[stale[i] as number] = 0;
    for (const each of this.#based) this.#keepOne(each, results, count, true);
    for (const each of this.#normalized) this.#keepOne(each, results, count, false);
    for (let i = 0; i < count; i++) {
      const index = stale[i] as number;
      scoredAt[index] = generation[index] as number;
    }
  }

  #keepOne(
    { enabled, place }: KeptPlugin,
    results: ShapeResults,
    count: number,
    isBase: boolean,
  ): void {
    if (!this.#isAsked(enabled)) return;
    const { questions } = this.#options;
    const stale = this.#stale;
    const raw = questions.score(enabled, stale, count);
    if (isBase) questions.check(enabled, raw, count);
    (results.scores[place] as KeptScore).set(stale, count, raw);
    if (!isBase) return;
    const { base } = results;
    const { weight } = enabled;
    for (let i = 0; i < count; i++) {
      const index = stale[i] as number;
      base[index] = (base[index] as number) + weight * (raw[i] as number);
    }
  }

  #addNormalized({ enabled, place }: KeptPlugin, results: ShapeResults): void {
    if (!this.#isAsked(enabled)) return;
    const { recorder, plain } = this.#options;
    const kept = results.scores[place] as KeptScore;
    const totals = this.#totals;
    const count = totals.length;
    const normalize = (scores: Float64Array) => this.#normalize(enabled, scores);
    const common = plain ? undefined : kept.normalizedCommon(this.#scratch, normalize);
    if (common !== undefined) {
      recorder?.common(enabled, kept.common as number, common);
      const share = enabled.weight * common;
      for (let i = 0; i < count; i++) totals[i] = (totals[i] as number) + share;
      return;
    }
    const scores = this.#scratch;
    const { values } = kept;
    for (let i = 0; i < count; i++) scores[i] = values[this.#indices[i] as number] as number;
    recorder?.raw(enabled, scores);
    this.#normalize(enabled, scores);
    this.#add(enabled, scores);
  }

  #addFresh(enabled: EnabledPlugin, count: number): void {
    if (!this.#isAsked(enabled)) return;
    const { questions, recorder } = this.#options;
    const raw = questions.score(enabled, this.#indices, count);
    const scores = this.#scratch;
    for (let i = 0; i < count; i++) scores[i] = raw[i] as number;
    recorder?.raw(enabled, scores);
    this.#normalize(enabled, scores);
    this.#add(enabled, scores);
  }

  #normalize(enabled: EnabledPlugin, scores: Float64Array): void {
    const { questions } = this.#options;
    questions.running = enabled;
    enabled.plugin.normalize?.(scores, enabled.context);
    questions.check(enabled, scores, scores.length);
  }

  #add(enabled: EnabledPlugin, scores: Float64Array): void {
    const totals = this.#totals;
    const { weight } = enabled;
    for (let i = 0; i < totals.length; i++) {
      totals[i] = (totals[i] as number) + weight * (scores[i] as number);
    }
    this.#options.recorder?.normalized(scores);
  }
}

export interface Feasible {
  readonly nodes: readonly NodeState[];
  /** By place in `nodes`; may be longer. */
  readonly indices: Int32Array;
}

export interface ScoringOptions {
  readonly cache: Cache;
  readonly profile: Profile;
  readonly questions: NodeQuestions;
  readonly excluded: ReadonlySet<EnabledPlugin>;
  /** Without shortcuts. */
  readonly plain: boolean;
  readonly recorder: AttemptRecorder | undefined;
}

interface KeptPlugin {
  readonly enabled: EnabledPlugin;
  /** Among the cacheable scores. */
  readonly place: number;
}
