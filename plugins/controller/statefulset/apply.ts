import {
  ApiError,
  type Expectations,
  keyOf,
  Pod,
  type PodTemplateSpec,
  parseKey,
  type StatefulSet,
} from 'kernetes/sdk';
import type { Action, Plan } from './action.ts';
import {
  hasIdentity,
  hasStorage,
  identityLabels,
  newPod,
  ordinalOf,
  podName,
  withClaims,
} from './identity.ts';
import { createClaims, setOwners } from './pod-claims.ts';
import type { Context } from './stateful-set.ts';

export interface ApplyOptions {
  readonly context: Context;
  readonly expectations: Expectations<Pod>;
  /** By the name of their revision. */
  templateOf(revision: string): PodTemplateSpec | undefined;
}

/** How far it came. */
export interface Applied {
  readonly deleted: ReadonlySet<Pod>;
  /** What went wrong first; absent: nothing. */
  readonly failure?: { readonly error: unknown };
}

/**
 * Does what was planned. Of what goes side by side one is begun, then two, four …: what refuses
 * the first (a quota, an admission plugin) would refuse all. Stops after a failure.
 */
export async function apply(set: StatefulSet, plan: Plan, options: ApplyOptions): Promise<Applied> {
  const deleted = new Set<Pod>();
  const act = async (action: Action) => {
    await perform(set, action, options);
    if (action.type === 'delete') deleted.add(action.pod);
  };
  for (const step of plan) {
    let size = 1;
    for (let begin = 0; begin < step.length; begin += size, size *= 2) {
      const results = await Promise.allSettled(step.slice(begin, begin + size).map(act));
      const failed = results.find(result => result.status === 'rejected');
      if (failed) return { deleted, failure: { error: failed.reason } };
    }
  }
  return { deleted };
}

function perform(set: StatefulSet, action: Action, options: ApplyOptions): Promise<void> {
  const { context } = options;
  switch (action.type) {
    case 'create':
      return create(set, action, options);
    case 'delete':
      return remove(set, action.pod, options);
    case 'claims':
      return createClaims(set, action.pod.metadata.name ?? '', context);
    case 'repair':
      return repair(set, action.pod, options);
    case 'retain':
      return setOwners({ set, pod: action.pod, isCondemned: true }, context);
  }
}

/** Its claims come first, or the pod would wait for what nobody has asked for. */
async function create(
  set: StatefulSet,
  { ordinal, revision }: Extract<Action, { type: 'create' }>,
  { context, expectations, templateOf }: ApplyOptions,
): Promise<void> {
  const name = podName(set, ordinal);
  await told(set, { verb: 'create', name, context }, async () => {
    await createClaims(set, name, context);
    const wanted = newPod(set, { ordinal, template: templateOf(revision), revision });
    const pod = await context.objects.create(Pod, wanted);
    expectations.wrote(keyOf(set), pod);
    await setOwners({ set, pod, isCondemned: false }, context);
  });
}

async function remove(
  set: StatefulSet,
  pod: Pod,
  { context, expectations }: ApplyOptions,
): Promise<void> {
  const { name = '', uid = '' } = pod.metadata;
  tellRecreated(set, pod, context);
  await told(set, { verb: 'delete', name, context }, async () => {
    try {
      await context.objects.delete(Pod, parseKey(keyOf(pod)), { preconditions: { uid } });
    } catch (error) {
      // Gone already is as good.
      if (!ApiError.is(error, 'NotFound')) throw error;
    }
    expectations.deleted(keyOf(set), pod);
  });
}

async function repair(
  set: StatefulSet,
  pod: Pod,
  { context, expectations }: ApplyOptions,
): Promise<void> {
  const { name = '', uid, resourceVersion } = pod.metadata;
  await told(set, { verb: 'update', name, context }, async () => {
    await createClaims(set, name, context);
    await setOwners({ set, pod, isCondemned: false }, context);
    if (hasIdentity(pod) && hasStorage(set, pod)) return;
    const key = parseKey(keyOf(pod));
    const labels = identityLabels(set, ordinalOf(set, pod) ?? 0);
    // The copy of the pod does not have whole volumes.
    const volumes = hasStorage(set, pod)
      ? {}
      : withClaims(set, name, (await context.objects.get(Pod, key)).spec?.volumes);
    const patch = { metadata: { uid, resourceVersion, labels }, spec: volumes };
    expectations.wrote(keyOf(set), await context.objects.patch(Pod, key, patch));
  });
}

interface Deed {
  readonly verb: 'create' | 'update' | 'delete';
  /** The pod's. */
  readonly name: string;
  readonly context: Context;
}

/** Does it, and writes an event about how it went. */
async function told(
  set: StatefulSet,
  { verb, name, context }: Deed,
  act: () => Promise<void>,
): Promise<void> {
  const what = `${verb} Pod ${name} in StatefulSet ${set.metadata.name}`;
  const suffix = `${verb[0]?.toUpperCase()}${verb.slice(1)}`;
  try {
    await act();
  } catch (error) {
    // Somebody has the name, or was quicker than the copy; it is tried again.
    const isUsual = ApiError.is(error, 'AlreadyExists') || ApiError.is(error, 'Conflict');
    const { message } = error as Error;
    if (!isUsual) {
      context.events.event(set, 'Warning', `Failed${suffix}`, `${what} failed error: ${message}`);
    }
    throw error;
  }
  context.events.event(set, 'Normal', `Successful${suffix}`, `${what} successful`);
}

function tellRecreated(set: StatefulSet, { metadata, status }: Pod, { events }: Context): void {
  const what = `StatefulSet ${set.metadata.namespace}/${set.metadata.name} is recreating`;
  if (status?.phase === 'Failed') {
    const message = `${what} failed Pod ${metadata.name}`;
    events.event(set, 'Warning', 'RecreatingFailedPod', message);
  }
  if (status?.phase === 'Succeeded') {
    const message = `${what} terminated Pod ${metadata.name}`;
    events.event(set, 'Normal', 'RecreatingTerminatedPod', message);
  }
}
