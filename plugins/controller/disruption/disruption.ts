import {
  ApiError,
  keyOf,
  type LabelSelector,
  type LabelSelectorRequirement,
  Pod,
  PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  type ReconcileContext,
  type ReconcileResult,
  type ServedKind,
  scaledValue,
} from 'kernetes/sdk';
import { disruptedOf, failedStatusOf, isSameStatus, statusOf } from './budget-status.ts';
import type { Budgets } from './budgets.ts';
import { ownerScale } from './owner-scale.ts';

export type Context = ReconcileContext<PodDisruptionBudget, unknown>;

export interface DisruptionOptions {
  readonly budgets: Budgets;
  readonly kinds: () => readonly ServedKind[];
}

/** As what upstream's controller writes events. */
export const SOURCE = { component: 'controllermanager' };

/** Tells in a budget's status how many of its pods may be evicted. */
export class DisruptionReconciler {
  readonly #options: DisruptionOptions;

  constructor(options: DisruptionOptions) {
    this.#options = options;
  }

  async reconcile(context: Context): Promise<ReconcileResult> {
    const { object: budget } = context;
    if (!budget) return undefined;
    const pods = this.#podsOf(budget, context);
    try {
      return await this.#count(budget, pods, context);
    } catch (error) {
      // Somebody took from the budget meanwhile: it is counted anew.
      if (ApiError.is(error, 'Conflict') || context.signal.aborted) throw error;
      return closeBudget(budget, error, context);
    }
  }

  #podsOf(budget: PodDisruptionBudget, { informer }: Context): Pod[] {
    const { namespace = '' } = budget.metadata;
    const selector = this.#options.budgets.selectorOf(budget);
    const copy = informer(Pod);
    // Any one label that it asks for narrows it down from all pods of the namespace.
    const label = selector.requirements.find(({ operator }) => operator === '=');
    const near = label
      ? copy.byIndex('label', `${namespace}/${label.key}=${label.values[0]}`)
      : copy.list(namespace);
    return near.filter(({ metadata }) => selector.matches(metadata.labels));
  }

  async #count(
    budget: PodDisruptionBudget,
    pods: readonly Pod[],
    context: Context,
  ): Promise<ReconcileResult> {
    const { events, clock } = context;
    if (pods.length === 0) {
      events.event(budget, 'Normal', 'NoPods', 'No matching pods found', SOURCE);
    }
    const numbers = await this.#expected(budget, pods, context);
    const now = clock.now();
    const { pending, kept, untilMs } = disruptedOf(budget, pods, now);
    for (const pod of kept) {
      const message = `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't`;
      events.event(pod, 'Warning', 'NotDeleted', message, SOURCE);
    }
    await write(budget, statusOf(budget, pods, { ...numbers, pending, now }), context);
    return Number.isFinite(untilMs) ? { requeueAfter: untilMs } : undefined;
  }

  async #expected(
    budget: PodDisruptionBudget,
    pods: readonly Pod[],
    context: Context,
  ): Promise<{ desiredHealthy: number; expectedPods: number }> {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    const limit = maxUnavailable ?? minAvailable;
    if (limit === undefined) return { desiredHealthy: 0, expectedPods: 0 };
    if (maxUnavailable === undefined && typeof limit === 'number') {
      return { desiredHealthy: limit, expectedPods: pods.length };
    }
    const expectedPods = await this.#scale(budget, pods, context);
    const share = scaledValue(limit, expectedPods, true);
    const desiredHealthy = maxUnavailable === undefined ? share : Math.max(0, expectedPods - share);
    return { desiredHealthy, expectedPods };
  }

  async #scale(
    budget: PodDisruptionBudget,
    pods: readonly Pod[],
    context: Context,
  ): Promise<number> {
    const { events } = context;
    try {
      const { expected, unmanaged } = await ownerScale(pods, context, this.#options.kinds());
      if (unmanaged.length > 0) {
        const message = unmanagedText(budget.spec?.selector);
        events.event(budget, 'Warning', 'UnmanagedPods', message, SOURCE);
      }
      return expected;
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${textOf(error)}`;
      events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message, SOURCE);
      throw error;
    }
  }
}

/** What is not known may be anything: nothing is evicted until it is. */
async function closeBudget(
  budget: PodDisruptionBudget,
  error: unknown,
  context: Context,
): Promise<ReconcileResult> {
  context.log.debug('Budget cannot be counted', { budget: keyOf(budget), error });
  await write(budget, failedStatusOf(budget, textOf(error), context.clock.now()), context);
  // Scales of kinds that nobody watches can come and go without that anything tells.
  return { requeueAfter: RETRY_MS };
}

async function write(
  budget: PodDisruptionBudget,
  status: PodDisruptionBudgetStatus,
  { objects }: Context,
): Promise<void> {
  if (isSameStatus(budget.status, status)) return;
  await objects.updateStatus(PodDisruptionBudget, { ...budget, status });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unmanagedText(selector: LabelSelector | undefined): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${selectorText(selector)}) were found ` +
    'to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which ' +
    'may result in undefined behavior. To account for these pods please set ' +
    '".spec.minAvailable" field of the PDB to an integer value.'
  );
}

/** As Go prints it. */
function selectorText(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`);
  const expressions = (selector.matchExpressions ?? []).map(requirementText);
  return (
    `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},` +
    `MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
  );
}

function requirementText({ key, operator, values = [] }: LabelSelectorRequirement): string {
  const text = `Key:${key},Operator:${operator},Values:[${values.join(' ')}],`;
  return `LabelSelectorRequirement{${text}},`;
}

const RETRY_MS = 60_000;
