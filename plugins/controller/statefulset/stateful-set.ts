import {
  CATCH_UP_MS,
  type Clock,
  ControllerRevision,
  claim,
  Expectations,
  formatKey,
  msUntilAvailable,
  type ObjectKey,
  PersistentVolumeClaim,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  StatefulSet,
  selectorFrom,
  truncateHistory,
} from 'kernetes/sdk';
import { apply } from './apply.ts';
import { ordinalOf, revisionOf } from './identity.ts';
import { type Members, placesOf } from './members.ts';
import { plan } from './plan.ts';
import { findRevisions, type Revisions, storedRevisions } from './revisions.ts';
import { isSameStatus, statusOf } from './status.ts';

export type Context = ReconcileContext<StatefulSet, unknown>;

/** Moves the pods of one StatefulSet a step nearer to what it wants, and tells in its status. */
export class StatefulSetReconciler {
  readonly #pods: Expectations<Pod>;
  readonly #revisions: Expectations<ControllerRevision>;

  constructor(clock: Clock) {
    this.#pods = new Expectations(clock);
    this.#revisions = new Expectations(clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const owner = formatKey(key);
    const { object: set } = context;
    if (!set) {
      this.#pods.forget(owner);
      this.#revisions.forget(owner);
      return undefined;
    }
    // On the strength of an old copy the order of pods would be lost, or the history.
    const isTrusted =
      this.#pods.satisfied(owner, context.informer(Pod)) &&
      this.#revisions.satisfied(owner, context.informer(ControllerRevision));
    if (!isTrusted) return { requeueAfter: CATCH_UP_MS };
    const pods = await claimPods(set, context);
    const revisions = await claimRevisions(set, context);
    if (set.metadata.deletionTimestamp) {
      await writeStatus(set, context, { pods, deleted: new Set(), ...storedRevisions(set) });
      return undefined;
    }
    const found = await findRevisions(set, revisions, context.objects);
    this.#revisions.wrote(owner, found.update);
    await this.#step(set, { context, pods, found });
    return requeue(set, pods, context.clock.now());
  }

  async #step(
    set: StatefulSet,
    parts: { readonly context: Context; readonly pods: readonly Pod[]; readonly found: Revisions },
  ): Promise<void> {
    const { context, pods, found } = parts;
    const { currentRevision, updateRevision, collisionCount } = found;
    const members: Members = {
      set,
      ...placesOf(set, pods),
      ...{ currentRevision, updateRevision, now: context.clock.now() },
      claim: name =>
        context.informer(PersistentVolumeClaim).get(`${set.metadata.namespace}/${name}`),
    };
    const { templateOf } = found;
    const options = { context, expectations: this.#pods, templateOf };
    const { deleted, failure } = await apply(set, plan(members), options);
    const names = { currentRevision, updateRevision, collisionCount };
    await writeStatus(set, context, { pods, deleted, ...names });
    await truncate(set, { pods, found, context });
    if (failure) throw failure.error;
  }
}

function claimPods(set: StatefulSet, context: Context): Promise<Pod[]> {
  return claim({
    objects: context.objects,
    ownerKind: StatefulSet,
    owner: set,
    selector: selectorFrom(set.spec?.selector),
    isMember: pod => ordinalOf(set, pod) !== undefined,
    kind: Pod,
    owned: context.owned(Pod),
    orphans: context.orphans(Pod),
  });
}

function claimRevisions(set: StatefulSet, context: Context): Promise<ControllerRevision[]> {
  return claim({
    objects: context.objects,
    ownerKind: StatefulSet,
    owner: set,
    selector: selectorFrom(set.spec?.selector),
    kind: ControllerRevision,
    owned: context.owned(ControllerRevision),
    orphans: context.orphans(ControllerRevision),
  });
}

async function writeStatus(
  set: StatefulSet,
  { objects, clock }: Context,
  options: Omit<Parameters<typeof statusOf>[1], 'now'>,
): Promise<void> {
  const status = statusOf(set, { ...options, now: clock.now() });
  if (set.status && isSameStatus(set.status, status)) return;
  await objects.updateStatus(StatefulSet, { ...set, status });
}

async function truncate(
  { spec }: StatefulSet,
  {
    pods,
    found,
    context,
  }: { readonly pods: readonly Pod[]; readonly found: Revisions; readonly context: Context },
): Promise<void> {
  const { revisionHistoryLimit = HISTORY_LIMIT } = spec ?? {};
  if (revisionHistoryLimit < 0) return;
  const { currentRevision, updateRevision } = found;
  const live = new Set([currentRevision, updateRevision, ...pods.map(revisionOf)]);
  await truncateHistory(context.objects, found.all, { live, limit: revisionHistoryLimit });
}

/** Time alone makes a ready pod available. */
function requeue({ spec }: StatefulSet, pods: readonly Pod[], now: number): ReconcileResult {
  const waits = pods
    .map(pod => msUntilAvailable(pod, spec?.minReadySeconds ?? 0, now))
    .filter(ms => ms > 0 && Number.isFinite(ms));
  return waits.length > 0 ? { requeueAfter: Math.min(...waits) } : undefined;
}

/** The API's default. */
const HISTORY_LIMIT = 10;
