import { isDeepStrictEqual } from 'node:util';
import {
  type Condition,
  isPodReady,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  toTime,
} from 'kernetes/sdk';

/** What the evictions of a budget have come to. */
export interface Disrupted {
  /** Pods that are about to be deleted, and since when. */
  readonly pending: Readonly<Record<string, string>>;
  /** Pods that should have been deleted long since and were not. */
  readonly kept: readonly Pod[];
  /** When the first of `pending` will have been so long enough; Infinity when there is none. */
  readonly untilMs: number;
}

export function disruptedOf(
  { status }: PodDisruptionBudget,
  pods: readonly Pod[],
  now: number,
): Disrupted {
  const pending: Record<string, string> = {};
  const kept: Pod[] = [];
  let untilMs = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata;
    const since = status?.disruptedPods?.[name];
    if (since === undefined || deletionTimestamp) continue;
    const left = Date.parse(since) + DELETION_MS - now;
    if (left > 0) {
      pending[name] = since;
      untilMs = Math.min(untilMs, left);
    } else kept.push(pod);
  }
  return { pending, kept, untilMs };
}

export interface CountOptions {
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly pending: Disrupted['pending'];
  readonly now: number;
}

export function statusOf(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { desiredHealthy, expectedPods, pending, now }: CountOptions,
): PodDisruptionBudgetStatus {
  const currentHealthy = pods.filter(pod => isHealthy(pod, pending)).length;
  // Where no pods are expected, none is known of: the first ones are not to be evicted at once.
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const { generation } = budget.metadata;
  const isAllowed = disruptionsAllowed > 0;
  const condition: WantedCondition = {
    status: isAllowed ? 'True' : 'False',
    reason: isAllowed ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  };
  return {
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    ...(Object.keys(pending).length > 0 && { disruptedPods: { ...pending } }),
    ...(generation !== undefined && { observedGeneration: generation }),
    conditions: withCondition(budget, condition, { now, generation }),
  };
}

/** The status as it was, but that nothing may be evicted. */
export function failedStatusOf(
  budget: PodDisruptionBudget,
  message: string,
  now: number,
): PodDisruptionBudgetStatus {
  const status = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...budget.status };
  const condition: WantedCondition = { status: 'False', reason: 'SyncFailed', message };
  return {
    ...status,
    disruptionsAllowed: 0,
    conditions: withCondition(budget, condition, { now, generation: status.observedGeneration }),
  };
}

/** Some servers leave out what is empty. */
export function isSameStatus(
  a: PodDisruptionBudgetStatus | undefined,
  b: PodDisruptionBudgetStatus,
): boolean {
  return isDeepStrictEqual({ ...EMPTY, ...a }, { ...EMPTY, ...b });
}

const EMPTY: PodDisruptionBudgetStatus = {
  disruptionsAllowed: 0,
  currentHealthy: 0,
  desiredHealthy: 0,
  expectedPods: 0,
  disruptedPods: {},
  observedGeneration: 0,
  conditions: [],
};

function isHealthy(pod: Pod, pending: Disrupted['pending']): boolean {
  const { name = '', deletionTimestamp } = pod.metadata;
  return !deletionTimestamp && !Object.hasOwn(pending, name) && isPodReady(pod);
}

type WantedCondition = Pick<Condition, 'status' | 'reason' | 'message'>;

interface ConditionOptions {
  readonly now: number;
  readonly generation: number | undefined;
}

function withCondition(
  { status }: PodDisruptionBudget,
  wanted: WantedCondition,
  { now, generation }: ConditionOptions,
): Condition[] {
  const conditions = status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === TYPE);
  const isKept = old?.status === wanted.status;
  const condition: Condition = {
    type: TYPE,
    ...wanted,
    lastTransitionTime: isKept ? old.lastTransitionTime : toTime(now),
    ...(generation !== undefined && { observedGeneration: generation }),
  };
  return old
    ? conditions.map(each => (each === old ? condition : each))
    : [...conditions, condition];
}

const TYPE = 'DisruptionAllowed';

/** Upstream's: an evicted pod that is not deleted within that time will not be. */
const DELETION_MS = 120_000;
