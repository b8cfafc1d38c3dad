import {
  type Clock,
  claim,
  Expectations,
  formatKey,
  isPodActive,
  msUntilAvailable,
  type ObjectKey,
  Pod,
  type PodFailure,
  type ReconcileContext,
  type ReconcileResult,
  ReplicaSet,
  selectorFrom,
} from 'kernetes/sdk';
import { scale } from './scale.ts';
import { isSameStatus, statusOf } from './status.ts';

export type Context = ReconcileContext<ReplicaSet, unknown>;

/** Brings the pods of one ReplicaSet to the number that it wants, and tells in its status. */
export class ReplicaSetReconciler {
  readonly #expectations: Expectations<Pod>;

  constructor(clock: Clock) {
    this.#expectations = new Expectations(clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const owner = formatKey(key);
    const { object: set } = context;
    if (!set) {
      this.#expectations.forget(owner);
      return undefined;
    }
    // Asked before the pods are read: later the copy may have caught up with what was not read.
    const isTrusted = this.#expectations.satisfied(owner, context.informer(Pod));
    const pods = await this.#pods(set, context);
    const isKept = set.metadata.deletionTimestamp === undefined;
    const failure =
      isTrusted && isKept
        ? await scale(set, pods, { context, expectations: this.#expectations })
        : undefined;
    await writeStatus(set, pods, context, isTrusted ? { failure } : undefined);
    if (failure) throw failure.error;
    return requeue(set, pods, { isTrusted, now: context.clock.now() });
  }

  async #pods(set: ReplicaSet, context: Context): Promise<Pod[]> {
    const pods = await claim({
      objects: context.objects,
      ownerKind: ReplicaSet,
      owner: set,
      selector: selectorFrom(set.spec?.selector),
      kind: Pod,
      owned: context.owned(Pod),
      orphans: context.orphans(Pod).filter(isPodActive),
    });
    return pods.filter(isPodActive);
  }
}

/** `attempt` is absent when scaling was not tried; the condition then stays as it is. */
async function writeStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  { objects, clock }: Context,
  attempt: { readonly failure: PodFailure | undefined } | undefined,
): Promise<void> {
  const status = statusOf(set, pods, { now: clock.now(), attempt });
  if (set.status && isSameStatus(set.status, status)) return;
  await objects.updateStatus(ReplicaSet, { ...set, status });
}

/** Time alone makes a ready pod available; and a copy that does not catch up is looked at again. */
function requeue(
  set: ReplicaSet,
  pods: readonly Pod[],
  { isTrusted, now }: { readonly isTrusted: boolean; readonly now: number },
): ReconcileResult {
  const { minReadySeconds = 0 } = set.spec ?? {};
  const waits = pods
    .map(pod => msUntilAvailable(pod, minReadySeconds, now))
    .filter(ms => ms > 0 && Number.isFinite(ms));
  if (!isTrusted) waits.push(CATCH_UP_MS);
  return waits.length > 0 ? { requeueAfter: Math.min(...waits) } : undefined;
}

/** The event that brings the copy up to date comes sooner, unless a watch was interrupted. */
const CATCH_UP_MS = 30_000;
