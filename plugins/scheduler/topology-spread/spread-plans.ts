import {
  ClusterCounts,
  type CountChanges,
  labelKey,
  type PodCriteria,
  type PodInfo,
  type Refusal,
  type Selector,
  ShapeMemo,
  type SpreadSelectors,
  type TopologySpreadConstraint,
  verdict,
} from 'kernetes/sdk';
import {
  type Action,
  type Constraint,
  countedNodes,
  defaultsOf,
  HOSTNAME,
  ownConstraints,
  readConstraints,
  type SpreadConfig,
} from './constraints.ts';
import type { HardConstraint } from './hard-spread.ts';
import { SoftConstraint, type SoftSpread } from './soft-spread.ts';

/** What is asked for a pod's constraints. The same for all pods of its shape. */
export interface SpreadPlan {
  readonly hard: readonly HardConstraint[];
  readonly soft: SoftSpread;
  /** The constraints cannot be read. */
  readonly refusal?: Refusal;
  /** What would be if; only in a copy of the plan for that question. */
  readonly changes?: CountChanges;
}

/** Works out plans, and keeps them as long as what they rest on stays as it is. */
export class SpreadPlans {
  readonly counts = new ClusterCounts();
  readonly #selectors: SpreadSelectors;
  readonly #defaults: readonly TopologySpreadConstraint[];
  readonly #isSystem: boolean;
  readonly #plans = new ShapeMemo<KeptPlan>();

  constructor(config: SpreadConfig, selectors: SpreadSelectors) {
    this.#selectors = selectors;
    this.#defaults = defaultsOf(config);
    this.#isSystem = config.defaultingType === 'System';
  }

  /** Whether a pod can have constraints that say `action`. Tells most pods apart without a plan. */
  mayHave(pod: PodInfo, action: Action): boolean {
    const own = ownConstraints(pod);
    const constraints = own.length > 0 ? own : this.#defaults;
    for (let i = 0; i < constraints.length; i++) {
      if (constraints[i]?.whenUnsatisfiable === action) return true;
    }
    return false;
  }

  planOf(pod: PodInfo): SpreadPlan {
    const kept = this.#plans.get(pod);
    if (kept && this.#isValid(kept, pod)) return kept.plan;
    const basis = {
      epoch: this.counts.epoch,
      selectorEpoch: this.#selectors.epoch(pod.namespace),
      controller: pod.controller?.uid,
    };
    const plan = this.#make(pod);
    this.#plans.set(pod, { ...basis, plan });
    return plan;
  }

  #isValid({ epoch, controller, selectorEpoch }: KeptPlan, pod: PodInfo): boolean {
    if (epoch !== this.counts.epoch) return false;
    if (ownConstraints(pod).length > 0) return true;
    const current = this.#selectors.epoch(pod.namespace);
    return controller === pod.controller?.uid && selectorEpoch === current;
  }

  #make(pod: PodInfo): SpreadPlan {
    const own = ownConstraints(pod);
    if (own.length > 0) return this.#makeFrom(own, pod, true);
    const selector = this.#selectors.selectorOf(pod);
    return selector ? this.#makeFrom(this.#defaults, pod, !this.#isSystem, selector) : NOTHING;
  }

  #makeFrom(
    constraints: readonly TopologySpreadConstraint[],
    pod: PodInfo,
    wantsAllLabels: boolean,
    selector?: Selector,
  ): SpreadPlan {
    const given = { pod, ...(selector && { selector }) };
    try {
      const hard = readConstraints(constraints, { ...given, action: 'DoNotSchedule' });
      const soft = readConstraints(constraints, { ...given, action: 'ScheduleAnyway' });
      return {
        hard: hard.map(each => this.#hard(each, hard, pod)),
        soft: {
          constraints: soft.map(each => this.#soft(each, wantsAllLabels ? soft : [], pod)),
          wantsAllLabels,
        },
      };
    } catch (error) {
      return { ...NOTHING, refusal: unreadable(error) };
    }
  }

  #hard(constraint: Constraint, all: readonly Constraint[], pod: PodInfo): HardConstraint {
    const { selector, topologyKey, maxSkew, minDomains } = constraint;
    const nodes = countedNodes(constraint, { pod, keys: keysOf(all) });
    const counts = this.counts.podsPerDomain(podsOf(selector, pod), labelKey(topologyKey), nodes);
    const self = selector.matches(pod.labels) ? 1 : 0;
    return { maxSkew, minDomains, selector, counts, self };
  }

  #soft(constraint: Constraint, all: readonly Constraint[], pod: PodInfo): SoftConstraint {
    const { selector, topologyKey, maxSkew } = constraint;
    const pods = podsOf(selector, pod);
    const key = labelKey(topologyKey);
    const counts =
      topologyKey === HOSTNAME
        ? this.counts.podsPerNode(pods)
        : this.counts.podsPerDomain(
            pods,
            key,
            countedNodes(constraint, { pod, keys: keysOf(all) }),
          );
    return new SoftConstraint(maxSkew, this.counts.topology(key), counts);
  }
}

interface KeptPlan {
  readonly plan: SpreadPlan;
  readonly epoch: number;
  readonly selectorEpoch: number;
  readonly controller: string | undefined;
}

const NOTHING: SpreadPlan = { hard: [], soft: { constraints: [], wantsAllLabels: false } };

function keysOf(constraints: readonly Constraint[]): readonly string[] {
  return [...new Set(constraints.map(({ topologyKey }) => topologyKey))];
}

/** Pods on their way out make room soon: they are not counted. */
function podsOf(selector: Selector, { namespace }: PodInfo): PodCriteria {
  return {
    // An empty selector selects all pods, and the absent one, that is as empty, none.
    name: `${namespace}/${selector.empty}/${JSON.stringify(selector.requirements)}`,
    namespaces: [namespace],
    matches: pod => !pod.terminating && selector.matches(pod.labels),
  };
}

function unreadable(error: unknown): Refusal {
  const text = error instanceof Error ? error.message : String(error);
  return verdict.unresolvable(
    `get constraints from pod: obtaining pod's hard topology spread constraints: ${text}`,
  );
}
