import {
  ApiError,
  canonicalHash,
  controllerOf,
  controllerReference,
  Deployment,
  isNamespaceTerminating,
  ReplicaSet,
  type ReplicaSetSpec,
} from 'kernetes/sdk';
import {
  copiedAnnotations,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  REVISION,
  REVISION_HISTORY,
  revisionOf,
} from './annotations.ts';
import { setCondition } from './conditions.ts';
import type { Rollout } from './deployment.ts';
import { boundsOf } from './plan.ts';
import { deadlineMs, progressOf, writeStatus } from './status.ts';
import { isSameTemplate, POD_TEMPLATE_HASH } from './template.ts';

/** The set with the Deployment's template; the oldest, should there be several. */
export function findNewSet(
  { spec }: Deployment,
  sets: readonly ReplicaSet[],
): ReplicaSet | undefined {
  return sets.find(set => {
    const template = set.spec?.template;
    return template !== undefined && spec !== undefined && isSameTemplate(template, spec.template);
  });
}

/**
 * Makes the new set, `size` pods large, if there is none; else brings its annotations up to date:
 * it is now the newest revision. The Deployment gets the same revision.
 */
export async function syncNewSet(rollout: Rollout, size: number): Promise<Rollout> {
  const newSet = rollout.newSet
    ? await updateSet(rollout.newSet, rollout)
    : await createSet(rollout, size);
  const isMade = rollout.newSet === undefined;
  const deployment = await setRevision(withSetTold(rollout, newSet, isMade), newSet, rollout);
  return { ...rollout, deployment, newSet };
}

async function updateSet(set: ReplicaSet, rollout: Rollout): Promise<ReplicaSet> {
  const { deployment, context } = rollout;
  const wanted = { ...copiedAnnotations(deployment), ...revisionAnnotations(set, rollout) };
  const annotations = Object.entries(wanted).filter(
    ([name, value]) => set.metadata.annotations?.[name] !== value,
  );
  const { minReadySeconds = 0 } = deployment.spec ?? {};
  const isReadyTime = (set.spec?.minReadySeconds ?? 0) === minReadySeconds;
  if (annotations.length === 0 && isReadyTime) return set;
  const { resourceVersion } = set.metadata;
  return context.objects.patch(ReplicaSet, keyOfSet(set), {
    metadata: { resourceVersion, annotations: Object.fromEntries(annotations) },
    ...(!isReadyTime && { spec: { minReadySeconds } }),
  });
}

/** One more than all others have; a set that is taken up again remembers what it was. */
function revisionAnnotations(set: ReplicaSet, { oldSets }: Rollout): Record<string, string> {
  const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1;
  const own = revisionOf(set);
  if (own >= revision) return {};
  const history = set.metadata.annotations?.[REVISION_HISTORY];
  return {
    [REVISION]: String(revision),
    ...(own > 0 && { [REVISION_HISTORY]: history ? `${history},${own}` : String(own) }),
  };
}

async function createSet(rollout: Rollout, size: number): Promise<ReplicaSet> {
  const { deployment, context } = rollout;
  const wanted = newSetOf(rollout, size);
  try {
    const set = await context.objects.create(ReplicaSet, wanted);
    if (size > 0) {
      const message = `Scaled up replica set ${set.metadata.name} from 0 to ${size}`;
      context.events.event(deployment, 'Normal', 'ScalingReplicaSet', message);
    }
    return set;
  } catch (error) {
    if (ApiError.is(error, 'AlreadyExists')) return existingSet(wanted, rollout);
    // That the namespace is going away is told enough.
    const isTold = ApiError.is(error) && !isNamespaceTerminating(error);
    if (isTold) await tellCreateFailed(rollout, wanted, error);
    throw error;
  }
}

/** It was made before a crash, or is not in the copy yet; or another template has the same hash. */
async function existingSet(wanted: ReplicaSet, rollout: Rollout): Promise<ReplicaSet> {
  const { deployment, context } = rollout;
  const set = await context.objects.get(ReplicaSet, keyOfSet(wanted));
  const isOurs = controllerOf(set)?.uid === deployment.metadata.uid;
  if (isOurs && findNewSet(deployment, [set])) return set;
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
  const status = { ...deployment.status, collisionCount };
  await context.objects.updateStatus(Deployment, { ...deployment, status });
  throw new Error(
    `Cannot create ReplicaSet "${wanted.metadata.name}": another one has the name; ` +
      `the next try is with collisionCount ${collisionCount}`,
  );
}

async function tellCreateFailed(
  rollout: Rollout,
  wanted: ReplicaSet,
  error: ApiError,
): Promise<void> {
  const { name } = wanted.metadata;
  const message = `Failed to create new replica set "${name}": ${error.message}`;
  const { deployment, context } = rollout;
  const reason = 'ReplicaSetCreateError';
  context.events.event(deployment, 'Warning', reason, message);
  if (deadlineMs(deployment) === undefined) return;
  const failed = { type: 'Progressing', status: 'False', reason, message };
  const status = progressOf(rollout);
  const conditions = setCondition(status.conditions ?? [], failed, context.clock.now());
  await writeStatus(rollout, { ...status, conditions });
}

function newSetOf(rollout: Rollout, size: number): ReplicaSet {
  const { deployment } = rollout;
  const { name = '', namespace = '' } = deployment.metadata;
  const { selector, template, minReadySeconds } = deployment.spec ?? {};
  if (!template) throw new Error(`Cannot roll out Deployment "${name}": it has no template`);
  const hash = canonicalHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  const { replicas, maxSurge } = boundsOf(deployment);
  const spec: ReplicaSetSpec = {
    replicas: size,
    ...(minReadySeconds !== undefined && { minReadySeconds }),
    selector: { ...selector, matchLabels: { ...selector?.matchLabels, [POD_TEMPLATE_HASH]: hash } },
    template: { ...template, metadata: { ...template.metadata, labels } },
  };
  const set: ReplicaSet = {
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec,
  };
  set.metadata.annotations = {
    ...copiedAnnotations(deployment),
    ...revisionAnnotations(set, rollout),
    [DESIRED_REPLICAS]: String(replicas),
    [MAX_REPLICAS]: String(replicas + maxSurge),
  };
  return set;
}

/** Having found or made the set is progress: the deadline counts from here. */
function withSetTold(
  { deployment, context }: Rollout,
  set: ReplicaSet,
  isMade: boolean,
): Deployment {
  const conditions = deployment.status?.conditions ?? [];
  const isKnown = conditions.some(({ type }) => type === 'Progressing');
  if (deployment.spec?.progressDeadlineSeconds === undefined || (isKnown && !isMade)) {
    return deployment;
  }
  const { name } = set.metadata;
  const [reason, message] = isMade
    ? ['NewReplicaSetCreated', `Created new replica set "${name}"`]
    : ['FoundNewReplicaSet', `Found new replica set "${name}"`];
  const told = { type: 'Progressing', status: 'True', reason, message };
  const status = deployment.status ?? {};
  const now = context.clock.now();
  return {
    ...deployment,
    status: { ...status, conditions: setCondition(conditions, told, now) },
  };
}

/** The returned one has the status of the given one: it is not written yet. */
async function setRevision(
  deployment: Deployment,
  set: ReplicaSet,
  { context }: Rollout,
): Promise<Deployment> {
  const revision = set.metadata.annotations?.[REVISION];
  const isSame = deployment.metadata.annotations?.[REVISION] === revision;
  if (revision === undefined || isSame) return deployment;
  const { namespace = '', name = '', resourceVersion } = deployment.metadata;
  const patch = { metadata: { resourceVersion, annotations: { [REVISION]: revision } } };
  const { metadata } = await context.objects.patch(Deployment, { namespace, name }, patch);
  return { ...deployment, metadata };
}

function keyOfSet({ metadata: { namespace = '', name = '' } }: ReplicaSet) {
  return { namespace, name };
}
