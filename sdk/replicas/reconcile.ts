import { Pod } from '../api/types-core-v1.ts';
import { claim } from '../claim.ts';
import type { Clock } from '../clock.ts';
import type { ReconcileContext } from '../controller.ts';
import { CATCH_UP_MS, Expectations } from '../expectations.ts';
import { formatKey, type ObjectKey } from '../kind.ts';
import type { PodFailure } from '../pod-control.ts';
import { isPodActive, isPodFinished, msUntilAvailable } from '../pod-status.ts';
import type { ReconcileResult } from '../queue-runner.ts';
import { UnclearWrites } from '../unclear-writes.ts';
import type { ReplicaOwner, ReplicasOptions } from './replicas.ts';
import { scale } from './scale.ts';
import { isSameStatus, statusOf } from './status.ts';

/** Brings the pods of one owner to the number that it wants, and tells in its status. */
export class ReplicaReconciler<T extends ReplicaOwner> {
  readonly #options: ReplicasOptions<T>;
  readonly #expectations: Expectations<Pod>;
  readonly #unclear: UnclearWrites<Pod>;

  constructor(clock: Clock, options: ReplicasOptions<T>) {
    this.#options = options;
    this.#expectations = new Expectations(clock);
    this.#unclear = new UnclearWrites(Pod, this.#expectations);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext<T, unknown>): Promise<ReconcileResult> {
    const id = formatKey(key);
    const { object: owner, clock } = context;
    if (!owner) {
      this.#expectations.forget(id);
      this.#unclear.forget(id);
      return undefined;
    }
    await this.#unclear.clear(id, this.#options.selectorOf(owner), context);
    // Asked before the pods are read: later the copy may have caught up with what was not read.
    const isTrusted = this.#expectations.satisfied(id, context.informer(Pod));
    const claimed = await this.#claim(owner, context);
    const pods = claimed.filter(isPodActive);
    const isKept = owner.metadata.deletionTimestamp === undefined;
    const options = { kind: this.#options.kind, context, expectations: this.#expectations };
    const failure = isTrusted && isKept ? await scale(owner, pods, options) : undefined;
    if (failure) this.#unclear.failed(id, failure.error);
    await this.#writeStatus(owner, { claimed, pods, isTrusted, failure }, context);
    if (failure) throw failure.error;
    return requeue(owner, pods, { isTrusted, now: clock.now() });
  }

  /** Those that are being deleted are among them, those that have finished are not. */
  async #claim(owner: T, context: ReconcileContext<T, unknown>): Promise<Pod[]> {
    const pods = await claim({
      objects: context.objects,
      ownerKind: this.#options.kind,
      owner,
      selector: this.#options.selectorOf(owner),
      kind: Pod,
      owned: context.owned(Pod),
      orphans: context.orphans(Pod).filter(isPodActive),
    });
    return pods.filter(pod => !isPodFinished(pod));
  }

  async #writeStatus(
    owner: T,
    { claimed, pods, isTrusted, failure }: Outcome,
    { objects, clock }: ReconcileContext<T, unknown>,
  ): Promise<void> {
    const { kind, tellsTerminating } = this.#options;
    const status = statusOf(owner, pods, {
      now: clock.now(),
      attempt: isTrusted ? { failure } : undefined,
      ...(tellsTerminating && { terminating: claimed.length - pods.length }),
    });
    if (owner.status && isSameStatus(owner.status, status)) return;
    await objects.updateStatus(kind, { ...owner, status });
  }
}

interface Outcome {
  readonly claimed: readonly Pod[];
  /** The active ones of them. */
  readonly pods: readonly Pod[];
  readonly isTrusted: boolean;
  readonly failure: PodFailure | undefined;
}

/** Time alone makes a ready pod available; and a copy that does not catch up is looked at again. */
function requeue(
  { spec }: ReplicaOwner,
  pods: readonly Pod[],
  { isTrusted, now }: { readonly isTrusted: boolean; readonly now: number },
): ReconcileResult {
  const { minReadySeconds = 0 } = spec ?? {};
  const waits = pods
    .map(pod => msUntilAvailable(pod, minReadySeconds, now))
    .filter(ms => ms > 0 && Number.isFinite(ms));
  if (!isTrusted) waits.push(CATCH_UP_MS);
  return waits.length > 0 ? { requeueAfter: Math.min(...waits) } : undefined;
}
