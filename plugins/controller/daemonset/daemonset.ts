import {
  type Clock,
  claim,
  createPods,
  DaemonSet,
  deletePods,
  Expectations,
  formatKey,
  keyOf,
  msUntilAvailable,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  selectorFrom,
  UnclearWrites,
} from 'kernetes/sdk';
import { daemonPods } from './daemon-pod.ts';
import { FailedPods } from './failed-pods.ts';
import { cleanUpHistory, syncHistory } from './history.ts';
import { type NodePlan, planNodes } from './node-pods.ts';
import { Placement } from './placement.ts';
import { planRollingUpdate } from './rolling-update.ts';
import { type Plan, type Snapshot, takeSnapshot } from './snapshot.ts';
import { isSameStatus, type StatusOptions, statusOf } from './status.ts';

export type Context = ReconcileContext<DaemonSet, unknown>;

/** Keeps a pod of each DaemonSet on every node that it fits, of its newest template. */
export class DaemonSetReconciler {
  readonly placement = new Placement();
  readonly #expectations: Expectations<Pod>;
  readonly #unclear: UnclearWrites<Pod>;
  readonly #failedPods: FailedPods;

  constructor(clock: Clock) {
    this.#expectations = new Expectations(clock);
    this.#unclear = new UnclearWrites(Pod, this.#expectations);
    this.#failedPods = new FailedPods(clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const owner = formatKey(key);
    const { object: set } = context;
    if (!set) {
      this.#expectations.forget(owner);
      this.#unclear.forget(owner);
      this.#failedPods.forget(owner);
      return undefined;
    }
    if (selectorFrom(set.spec?.selector).empty) {
      context.events.event(set, 'Warning', 'SelectingAll', SELECTING_ALL);
      return undefined;
    }
    // Its revisions may be gone or orphaned before its pods: nothing can be said of them any more.
    if (set.metadata.deletionTimestamp) return undefined;
    return this.#sync(set, context);
  }

  async #sync(set: DaemonSet, context: Context): Promise<ReconcileResult> {
    const owner = keyOf(set);
    await this.#unclear.clear(owner, selectorFrom(set.spec?.selector), context);
    // Asked before the pods are read: later the copy may have caught up with what was not read.
    const isCurrent = this.#expectations.satisfied(owner, context.informer(Pod));
    const pods = await claimPods(set, context);
    const history = await syncHistory(set, pods, context);
    const { hash, collisionCount, relabelled } = history;
    for (const pod of relabelled) this.#expectations.wrote(owner, pod);
    const isTrusted = isCurrent && relabelled.length === 0;
    const snapshot = takeSnapshot({
      ...{ set, hash, pods, placement: this.placement },
      nodes: context.informer(Node).list(),
      now: context.clock.now(),
    });
    const waits: number[] = [];
    let failure: unknown;
    if (isTrusted) {
      try {
        waits.push(await this.#manage(snapshot, context));
        await cleanUpHistory(set, history, { pods, context });
      } catch (error) {
        // What is there is told all the same.
        failure = error;
      }
    }
    await writeStatus(snapshot, context, { collisionCount, isObserved: isTrusted });
    if (failure !== undefined) throw failure;
    if (!isTrusted || snapshot.lost.length > 0) waits.push(LOOK_AGAIN_MS);
    return requeue(snapshot, waits);
  }

  /** Returns how long a failed pod must wait to be replaced. */
  async #manage(snapshot: Snapshot, context: Context): Promise<number> {
    const { set } = snapshot;
    const owner = keyOf(set);
    this.#failedPods.prune(owner);
    const plan = planNodes(snapshot, { key: owner, failedPods: this.#failedPods });
    tellEnded(set, plan, context);
    const isSettled = plan.create.length === 0 && plan.remove.length === 0;
    if (!isSettled) await this.#apply(snapshot, plan, context);
    // An update is a matter of nodes on which all else is well, as a new look will tell.
    else if ((set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate')
      await this.#apply(snapshot, planRollingUpdate(snapshot), context);
    return plan.waitMs;
  }

  /** Deletes first, so that no node has more pods than it may. */
  async #apply({ set, hash }: Snapshot, { create, remove }: Plan, context: Context): Promise<void> {
    const { objects, events } = context;
    const control = { objects, events, expectations: this.#expectations };
    const notDeleted = await deletePods(set, remove.slice(0, BURST_PODS_MAX), control);
    const podFor = daemonPods(set, hash);
    const wanted = create.slice(0, BURST_PODS_MAX).map(podFor);
    const notCreated = await createPods(set, wanted, control);
    for (const failure of [notDeleted, notCreated]) {
      if (failure) this.#unclear.failed(keyOf(set), failure.error);
    }
    const failure = notCreated ?? notDeleted;
    if (failure) throw failure.error;
  }
}

function claimPods(set: DaemonSet, context: Context): Promise<Pod[]> {
  return claim({
    objects: context.objects,
    ownerKind: DaemonSet,
    owner: set,
    selector: selectorFrom(set.spec?.selector),
    kind: Pod,
    owned: context.owned(Pod),
    orphans: context.orphans(Pod),
  });
}

function tellEnded(set: DaemonSet, { ended }: NodePlan, { events }: Context): void {
  for (const { pod, node } of ended) {
    const name = keyOf(pod);
    if (pod.status?.phase === 'Failed') {
      const message = `Found failed daemon pod ${name} on node ${node}, will try to kill it`;
      events.event(set, 'Warning', 'FailedDaemonPod', message);
    } else {
      const message = `Found succeeded daemon pod ${name} on node ${node}, will try to delete it`;
      events.event(set, 'Normal', 'SucceededDaemonPod', message);
    }
  }
}

async function writeStatus(
  snapshot: Snapshot,
  { objects }: Context,
  options: StatusOptions,
): Promise<void> {
  const { set } = snapshot;
  const status = statusOf(snapshot, options);
  if (isSameStatus(set.status, status)) return;
  await objects.updateStatus(DaemonSet, { ...set, status });
}

/** Time alone makes a ready pod available, and lets a failed one be replaced. */
function requeue({ set, nodes, now }: Snapshot, waits: readonly number[]): ReconcileResult {
  const { minReadySeconds = 0 } = set.spec ?? {};
  let first = Math.min(...waits);
  for (const { pods } of minReadySeconds > 0 ? nodes : []) {
    for (const pod of pods) {
      const ms = msUntilAvailable(pod, minReadySeconds, now);
      if (ms > 0) first = Math.min(first, ms);
    }
  }
  return Number.isFinite(first) ? { requeueAfter: first } : undefined;
}

const SELECTING_ALL = 'This daemon set is selecting all pods. A non-empty selector is required.';

/** Upstream's: so many in one go; the rest follows when the copy has caught up. */
const BURST_PODS_MAX = 250;

/**
 * The event that brings the copy up to date comes sooner, unless a watch was interrupted; and pods
 * of a node that is gone are somebody else's to delete, unless a node of that name comes back.
 */
const LOOK_AGAIN_MS = 30_000;
