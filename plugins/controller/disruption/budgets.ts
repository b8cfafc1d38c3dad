import {
  type ControllerView,
  type KubeObject,
  type ObjectKey,
  type Pod,
  PodDisruptionBudget,
  type Selector,
  selectorFrom,
} from 'kernetes/sdk';

/** Which budgets are about which pods. */
export class Budgets {
  /** By the informer's object: another version of a budget is another object. */
  readonly #selectors = new WeakMap<PodDisruptionBudget, Selector>();

  selectorOf(budget: PodDisruptionBudget): Selector {
    let selector = this.#selectors.get(budget);
    if (!selector) {
      selector = selectorFrom(budget.spec?.selector);
      this.#selectors.set(budget, selector);
    }
    return selector;
  }

  /** The budgets of the namespace that select the labels. */
  about(
    namespace: string,
    labels: Pod['metadata']['labels'],
    { informer }: ControllerView,
  ): readonly ObjectKey[] {
    return informer(PodDisruptionBudget)
      .list(namespace)
      .filter(budget => this.selectorOf(budget).matches(labels))
      .map(({ metadata }) => ({ namespace, name: metadata.name ?? '' }));
  }

  /** The budgets of the pods that a workload makes: its scale counts. */
  ofWorkload(workload: KubeObject & Templated, view: ControllerView): readonly ObjectKey[] {
    const { namespace = '' } = workload.metadata;
    return this.about(namespace, workload.spec?.template?.metadata?.labels, view);
  }
}

interface Templated {
  readonly spec?: { readonly template?: { readonly metadata?: Pod['metadata'] } };
}
