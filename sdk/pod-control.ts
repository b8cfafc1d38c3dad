import type { PodTemplateSpec } from './api/types-core-v1.ts';
import { Pod } from './api/types-core-v1.ts';
import type { EventRecorder } from './events.ts';
import type { Expectations } from './expectations.ts';
import { type Kind, type KubeObject, keyOf } from './kind.ts';
import { createRequest, deleteRequest } from './object-requests.ts';
import type { ObjectClient } from './objects.ts';
import { controllerReference } from './ownership.ts';
import type { ApiError } from './status.ts';

/** With what a controller makes and removes the pods of an owner. */
export interface PodControl {
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  /** By the owner's key: told of everything that succeeds. */
  readonly expectations: Expectations<Pod>;
}

/** Why not all pods could be made or deleted. */
export interface PodFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: ApiError;
  /** How many were made or deleted all the same. */
  readonly done: number;
}

/** A pod of the owner's template, without a name but the start of one. */
export function podFromTemplate<O extends KubeObject>(
  ownerKind: Kind<O>,
  owner: O,
  template: PodTemplateSpec | undefined,
): Pod {
  const { metadata, spec } = template ?? {};
  const { labels, annotations, finalizers } = metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace ?? '',
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(ownerKind, owner)],
    },
    ...(spec && { spec }),
  };
}

/**
 * Creates the pods, in batches of 1, 2, 4 …: what refuses the first (a quota, an admission plugin)
 * would refuse all, and is then asked once. Stops after a batch with a failure and returns the
 * first, with an event on the owner for each; that the namespace is going away counts as none.
 */
export async function createPods(
  owner: KubeObject,
  pods: readonly Pod[],
  control: PodControl,
): Promise<PodFailure | undefined> {
  let size = 1;
  for (let begin = 0; begin < pods.length; begin += size, size *= 2) {
    const failure = await createBatch(owner, pods.slice(begin, begin + size), control);
    if (!failure) continue;
    if (isNamespaceTerminating(failure.error)) return undefined;
    return { ...failure, done: begin + failure.done };
  }
  return undefined;
}

/** Deletes the pods, in one batch; one that is gone already is fine. Returns the first failure. */
export async function deletePods(
  owner: KubeObject,
  pods: readonly Pod[],
  { objects, events, expectations }: PodControl,
): Promise<PodFailure | undefined> {
  const results = await objects.batch(
    pods.map(({ metadata: { namespace = '', name = '', uid = '' } }) =>
      deleteRequest(Pod, { namespace, name }, { preconditions: { uid } }),
    ),
  );
  let error: ApiError | undefined;
  let done = 0;
  for (const [i, pod] of pods.entries()) {
    const result = results[i];
    if (result?.ok === false && result.error.reason !== 'NotFound') {
      events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${result.error.message}`);
      error ??= result.error;
      continue;
    }
    done++;
    expectations.deleted(keyOf(owner), pod);
    events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
  }
  return error && { reason: 'FailedDelete', error, done };
}

async function createBatch(
  owner: KubeObject,
  pods: readonly Pod[],
  { objects, events, expectations }: PodControl,
): Promise<PodFailure | undefined> {
  const results = await objects.batch(pods.map(pod => createRequest(Pod, pod)));
  let first: ApiError | undefined;
  let done = 0;
  for (const result of results) {
    if (result.ok) {
      done++;
      const pod = result.object as Pod;
      expectations.wrote(keyOf(owner), pod);
      events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
      continue;
    }
    const { error } = result;
    first ??= error;
    if (isNamespaceTerminating(error)) continue;
    events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
  }
  return first && { reason: 'FailedCreate', error: first, done };
}

/** Nothing can be made there any more; that the owner goes too is only a matter of time. */
export function isNamespaceTerminating({ status }: ApiError): boolean {
  return status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}
