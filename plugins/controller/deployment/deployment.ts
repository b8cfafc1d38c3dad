import {
  claim,
  Deployment,
  isPodFinished,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  ReplicaSet,
  selectorFrom,
} from 'kernetes/sdk';
import { deleteOldRevisions, hasStaleScale, resize } from './apply.ts';
import { setCondition } from './conditions.ts';
import { findNewSet, syncNewSet } from './new-replica-set.ts';
import { planRecreate, planRollingUpdate, planScale } from './plan.ts';
import { rollBack } from './rollback.ts';
import {
  deadlineMs,
  isComplete,
  msUntilDeadline,
  progressOf,
  statusOf,
  writeStatus,
} from './status.ts';

export type Context = ReconcileContext<Deployment, unknown>;

/** What a reconciliation works on. */
export interface Rollout {
  readonly deployment: Deployment;
  /** The one with the Deployment's template. */
  readonly newSet: ReplicaSet | undefined;
  /** Oldest first. */
  readonly oldSets: readonly ReplicaSet[];
  readonly context: Context;
}

/** Moves one Deployment a step on: the sizes of its ReplicaSets, and what its status tells. */
export async function reconcile(context: Context): Promise<ReconcileResult> {
  const { object: deployment } = context;
  if (!deployment) return undefined;
  const selector = selectorFrom(deployment.spec?.selector);
  if (selector.empty) {
    const message = 'This deployment is selecting all pods. A non-empty selector is required.';
    context.events.event(deployment, 'Warning', 'SelectingAll', message);
    return undefined;
  }
  const sets = await claim({
    objects: context.objects,
    ownerKind: Deployment,
    owner: deployment,
    selector,
    kind: ReplicaSet,
    owned: context.owned(ReplicaSet),
    orphans: context.orphans(ReplicaSet),
  });
  return step(splitSets(deployment, sets, context));
}

function splitSets(deployment: Deployment, sets: readonly ReplicaSet[], context: Context): Rollout {
  const byAge = [...sets].sort(compareAge);
  const newSet = findNewSet(deployment, byAge);
  return { deployment, newSet, oldSets: byAge.filter(set => set !== newSet), context };
}

async function step(rollout: Rollout): Promise<ReconcileResult> {
  const { deployment, context } = rollout;
  if (deployment.metadata.deletionTimestamp) {
    await writeStatus(rollout, statusOf(rollout));
    return undefined;
  }
  const told = withPauseTold(rollout);
  if (deployment.spec?.paused) return scaleOnly(told);
  // It changes the template, which is news of its own.
  if (await rollBack(rollout)) return undefined;
  if (hasStaleScale(rollout)) return scaleOnly(told);
  const done =
    deployment.spec?.strategy?.type === 'Recreate'
      ? await recreate(told, context)
      : await rollingUpdate(told);
  return finish(done);
}

/** While paused, or right after a change of `spec.replicas`: sizes change, templates do not. */
async function scaleOnly(rollout: Rollout): Promise<ReconcileResult> {
  const { newSet } = rollout;
  const synced = newSet ? await syncNewSet(rollout, 0) : rollout;
  const resized = await resize(synced, planScale(synced));
  if (resized.deployment.spec?.paused) await deleteOldRevisions(resized);
  await writeStatus(resized, statusOf(resized));
  return undefined;
}

async function rollingUpdate(rollout: Rollout): Promise<Rollout> {
  const first = rollout.newSet ? 0 : (planRollingUpdate(rollout).newSize ?? 0);
  const synced = await syncNewSet(rollout, first);
  return resize(synced, planRollingUpdate(synced).sizes);
}

/** No new pod before the last old one has ended. */
async function recreate(rollout: Rollout, context: Context): Promise<Rollout> {
  const { oldSets, deployment } = rollout;
  const down = planRecreate(oldSets);
  const known = rollout.newSet ? await syncNewSet(rollout, 0) : rollout;
  if (down.size > 0) return resize(known, down);
  if (oldSets.some(set => hasPods(set, context))) return known;
  const replicas = deployment.spec?.replicas ?? 1;
  const synced = known.newSet ? known : await syncNewSet(known, replicas);
  const { newSet } = synced;
  return newSet ? resize(synced, new Map([[newSet, replicas]])) : synced;
}

function hasPods(set: ReplicaSet, { informer }: Context): boolean {
  if ((set.status?.replicas ?? 0) > 0) return true;
  const pods = informer(Pod).byIndex('controller', set.metadata.uid ?? '');
  return pods.some(pod => !isPodFinished(pod));
}

async function finish(rollout: Rollout): Promise<ReconcileResult> {
  const status = progressOf(rollout);
  if (isComplete(rollout.deployment, status)) await deleteOldRevisions(rollout);
  await writeStatus(rollout, status);
  const wait = msUntilDeadline(rollout.deployment, status, rollout.context.clock.now());
  return wait === undefined ? undefined : { requeueAfter: wait };
}

/** The clock of the progress deadline stops while paused, and starts anew on resuming. */
function withPauseTold(rollout: Rollout): Rollout {
  const { deployment, context } = rollout;
  const { paused = false } = deployment.spec ?? {};
  const conditions = deployment.status?.conditions ?? [];
  const progressing = conditions.find(({ type }) => type === 'Progressing');
  const isTimedOut = progressing?.reason === 'ProgressDeadlineExceeded';
  if (isTimedOut || deadlineMs(deployment) === undefined) return rollout;
  const isTold = progressing?.reason === 'DeploymentPaused';
  if (paused === isTold) return rollout;
  const [reason, message] = paused
    ? ['DeploymentPaused', 'Deployment is paused']
    : ['DeploymentResumed', 'Deployment is resumed'];
  const told = { type: 'Progressing', status: 'Unknown', reason, message };
  const status = deployment.status ?? {};
  return {
    ...rollout,
    deployment: {
      ...deployment,
      status: { ...status, conditions: setCondition(conditions, told, context.clock.now()) },
    },
  };
}

/** Oldest first; the name decides between those of one second. */
function compareAge(a: ReplicaSet, b: ReplicaSet): number {
  const { creationTimestamp: left = '', name: leftName = '' } = a.metadata;
  const { creationTimestamp: right = '', name: rightName = '' } = b.metadata;
  if (left !== right) return left < right ? -1 : 1;
  return leftName < rightName ? -1 : 1;
}
