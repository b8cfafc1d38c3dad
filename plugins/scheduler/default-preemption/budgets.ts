import {
  type Informer,
  NOTHING,
  type PluginContext,
  PodDisruptionBudget,
  type PodInfo,
  type Selector,
  selectorFrom,
} from 'kernetes/sdk';
import type { Victim } from './importance.ts';

/** Which pods may not be disrupted, by the PodDisruptionBudgets. */
export class Budgets {
  readonly #budgets: Informer<PodDisruptionBudget>;
  #version = 0;
  #count = 0;
  readonly #selectors = new WeakMap<PodDisruptionBudget, Selector>();

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    const fields = ['spec.selector', 'status.disruptionsAllowed', 'status.disruptedPods'];
    this.#budgets = ctx.informer(PodDisruptionBudget, { fields });
    this.#budgets.on({
      added: () => this.#changed(1),
      updated: () => this.#changed(0),
      deleted: () => this.#changed(-1),
    });
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  #changed(more: number): void {
    this.#version++;
    this.#count += more;
  }

  /**
   * The pods whose going, in this order, would violate a budget: each that a budget selects takes
   * from what it allows.
   */
  violators(victims: readonly Victim[]): ReadonlySet<PodInfo> {
    if (this.#count === 0) return NOBODY;
    const byNamespace = new Map<string, readonly PodDisruptionBudget[]>();
    const left = new Map<PodDisruptionBudget, number>();
    const violators = new Set<PodInfo>();
    for (const { pod } of victims) {
      const budgets = byNamespace.get(pod.namespace) ?? this.#budgets.list(pod.namespace);
      byNamespace.set(pod.namespace, budgets);
      for (const budget of budgets) {
        if (!this.#protects(budget, pod)) continue;
        const allowed = left.get(budget) ?? budget.status?.disruptionsAllowed ?? 0;
        left.set(budget, allowed - 1);
        if (allowed <= 0) violators.add(pod);
      }
    }
    return violators;
  }

  /** Pods that the API server has let go already are taken off the budget. */
  #protects(budget: PodDisruptionBudget, { name, labels }: PodInfo): boolean {
    if (budget.status?.disruptedPods?.[name] !== undefined) return false;
    const selector = this.#selectorOf(budget);
    return !selector.empty && selector.matches(labels);
  }

  #selectorOf(budget: PodDisruptionBudget): Selector {
    const known = this.#selectors.get(budget);
    if (known) return known;
    const selector = selectorOf(budget);
    this.#selectors.set(budget, selector);
    return selector;
  }
}

const NOBODY: ReadonlySet<PodInfo> = new Set();

/** One that validation would not let pass selects nothing. */
function selectorOf({ spec }: PodDisruptionBudget): Selector {
  try {
    return selectorFrom(spec?.selector);
  } catch {
    return NOTHING;
  }
}
