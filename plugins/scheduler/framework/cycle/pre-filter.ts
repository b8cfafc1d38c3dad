import { isRefusal, type PodInfo, type Refusal, type Verdict, verdict } from 'kernetes/sdk';
import type { Cache } from '../cache.ts';
import type { EnabledPlugin, Profile } from '../profile/profile.ts';
import type { NodeQuestions } from './node-questions.ts';
import type { PreFiltered, ShapeResults } from './shape-results.ts';
import type { Refused } from './verdict-table.ts';

/** The start of a cycle: every filter's context is set up for the pod, and may narrow the search. */
export class PreFilter {
  readonly #options: PreFilterOptions;

  constructor(options: PreFilterOptions) {
    this.#options = options;
  }

  run(pod: PodInfo, results: ShapeResults): PreFilterOutcome {
    const { profile, excluded, cache } = this.#options;
    for (const { context } of profile.scores) {
      context.pod = pod;
      context.nodes = cache.nodes;
      context.state = undefined;
    }
    const known = results.preFiltered;
    const outcomes: PreFiltered[] | undefined = known ? undefined : [];
    const narrowing = new Narrowing();
    let refused: Refused | undefined;
    for (let i = 0; i < profile.filters.length; i++) {
      const enabled = profile.filters[i] as EnabledPlugin;
      const kept = enabled.cacheable ? known?.[i] : undefined;
      const outcome = kept ?? this.#ask(enabled, pod);
      outcomes?.push(outcome);
      const { context } = enabled;
      context.pod = pod;
      context.nodes = cache.nodes;
      context.state = outcome.state;
      enabled.skipsFilter = outcome.verdict?.code === 'skip' || excluded.has(enabled);
      if (isRefusal(outcome.verdict)) {
        refused = { plugin: enabled.name, refusal: outcome.verdict };
        // Removing pods may help: then somebody will ask all the others what would be.
        if (outcome.verdict.code === 'unresolvable') return { refused };
      } else if (outcome.verdict?.code === 'only') {
        const nobody = narrowing.add(enabled.name, outcome.verdict.nodeNames);
        if (nobody) return { refused: nobody };
      }
    }
    if (refused) return { refused };
    if (outcomes && excluded.size === 0) results.preFiltered = outcomes;
    return narrowing.outcome;
  }

  #ask(enabled: EnabledPlugin, pod: PodInfo): PreFiltered {
    const { context, plugin } = enabled;
    const { excluded, questions, cache } = this.#options;
    if (!plugin.preFilter || excluded.has(enabled)) return NOTHING_SAID;
    questions.running = enabled;
    context.pod = pod;
    context.nodes = cache.nodes;
    context.state = undefined;
    const outcome: Verdict | undefined = plugin.preFilter(context);
    assertOutcome(outcome);
    return { verdict: outcome, state: context.state };
  }
}

export interface PreFilterOptions {
  readonly profile: Profile;
  readonly cache: Cache;
  readonly questions: NodeQuestions;
  /** Plugins that failed for this pod and may be ignored. */
  readonly excluded: ReadonlySet<EnabledPlugin>;
}

export interface PreFilterOutcome {
  /** For all nodes. */
  readonly refused?: Refused;
  /** The only nodes that can do, and what is said of the others. */
  readonly names?: ReadonlySet<string>;
  readonly elsewhere?: Refused;
}

export const NOTHING_SAID: PreFiltered = { verdict: undefined, state: undefined };
const ALL_NODES: PreFilterOutcome = {};

class Narrowing {
  #names: ReadonlySet<string> | undefined;
  readonly #plugins: string[] = [];

  /** What to say when none is left. */
  add(plugin: string, names: readonly string[]): Refused | undefined {
    const before = this.#names;
    this.#names = new Set(before ? names.filter(name => before.has(name)) : names);
    this.#plugins.push(plugin);
    if (this.#names.size > 0) return undefined;
    const [first, ...more] = this.#plugins;
    const text =
      more.length > 0 ? `plugin(s) ${this.#list()} simultaneously` : `plugin ${first ?? ''}`;
    return { plugin, refusal: unsatisfied(text) };
  }

  get outcome(): PreFilterOutcome {
    const names = this.#names;
    if (!names) return ALL_NODES;
    const refusal = unsatisfied(`plugin(s) ${this.#list()}`);
    return { names, elsewhere: { plugin: this.#plugins[0] ?? '', refusal } };
  }

  #list(): string {
    return `[${this.#plugins.sort().join(' ')}]`;
  }
}

function unsatisfied(what: string): Refusal {
  return verdict.unresolvable(`node(s) didn't satisfy ${what}`);
}

/** Types end where somebody else's code begins. */
function assertOutcome(outcome: Verdict | null | undefined): void {
  if (outcome === undefined || outcome === null) return;
  const { code } = outcome;
  if (code === 'success' || code === 'skip') return;
  const { reasons, nodeNames } = outcome as { reasons?: unknown; nodeNames?: unknown };
  if (Array.isArray(isRefusal(outcome) ? reasons : code === 'only' && nodeNames)) return;
  throw new Error(`preFilter gave an answer that is none: ${JSON.stringify(outcome)}`);
}
