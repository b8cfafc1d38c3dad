import {
  ApiError,
  controllerOf,
  Deployment,
  type Informer,
  type Kind,
  type KubeObject,
  type OwnerReference,
  type Pod,
  ReplicaSet,
  ReplicationController,
  type Scale,
  type ServedKind,
  StatefulSet,
} from 'kernetes/sdk';
import type { Context } from './disruption.ts';

/** How many pods the controllers of some pods want in all. */
export interface OwnerScale {
  readonly expected: number;
  /** Names of pods that have no controller. */
  readonly unmanaged: readonly string[];
}

interface Owner {
  readonly uid: string;
  readonly scale: number;
}

/** Rejects where a pod has a controller whose scale nobody knows. */
export async function ownerScale(
  pods: readonly Pod[],
  context: Context,
  kinds: readonly ServedKind[],
): Promise<OwnerScale> {
  const scales = new Map<string, number>();
  const seen = new Set<string>();
  const unmanaged: string[] = [];
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (!reference) unmanaged.push(pod.metadata.name ?? '');
    else if (!seen.has(reference.uid)) {
      seen.add(reference.uid);
      const owner = await findOwner(reference, pod, { context, kinds });
      scales.set(owner.uid, owner.scale);
    }
  }
  let expected = 0;
  for (const scale of scales.values()) expected += scale;
  return { expected, unmanaged };
}

interface FindOptions {
  readonly context: Context;
  readonly kinds: readonly ServedKind[];
}

async function findOwner(
  reference: OwnerReference,
  pod: Pod,
  options: FindOptions,
): Promise<Owner> {
  const { namespace = '', name } = pod.metadata;
  const owner =
    knownOwner(reference, namespace, options.context) ??
    (await servedOwner(reference, namespace, options));
  if (owner) return owner;
  throw new Error(`found no controllers for pod "${name}"`);
}

/** By the copies, without a request. */
function knownOwner(
  reference: OwnerReference,
  namespace: string,
  { informer }: Context,
): Owner | undefined {
  const find = <T extends Scaled>(kind: Kind<T>, wanted: OwnerReference): T | undefined =>
    isOf(kind, wanted) ? sameIn(informer(kind), namespace, wanted) : undefined;
  const set = find(ReplicaSet, reference);
  if (set) {
    const above = controllerOf(set);
    // It is the Deployment that says how many pods there are, now in this set, now in that.
    return above?.kind === 'Deployment' ? scaleOf(find(Deployment, above)) : scaleOf(set);
  }
  return scaleOf(find(ReplicationController, reference) ?? find(StatefulSet, reference));
}

/** By its scale subresource; undefined when it is gone, or another of its name is there. */
async function servedOwner(
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string,
  { context: { objects }, kinds }: FindOptions,
): Promise<Owner | undefined> {
  const group = groupOf(apiVersion);
  const served = kinds.find(each => each.group === group && each.kind === kind);
  if (!served) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
  const { version, resource } = served;
  const target = { verb: 'get' as const, group, version, resource, namespace, name };
  try {
    const scale = await objects.request<Scale>({ ...target, subresource: 'scale' });
    if (scale.metadata.uid !== uid) return undefined;
    return { uid, scale: scale.spec?.replicas ?? 0 };
  } catch (error) {
    if (!ApiError.is(error, 'NotFound') && !ApiError.is(error, 'MethodNotAllowed')) throw error;
    // That is said of an object that is gone, and of a kind that has no scale.
    if (error.status.details?.name === name) return undefined;
    const full = group ? `${resource}.${group}` : resource;
    throw new Error(`${full} does not implement the scale subresource`);
  }
}

interface Scaled extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

function scaleOf(owner: Scaled | undefined): Owner | undefined {
  return owner && { uid: owner.metadata.uid ?? '', scale: owner.spec?.replicas ?? 1 };
}

function sameIn<T extends KubeObject>(
  informer: Informer<T>,
  namespace: string,
  { name, uid }: OwnerReference,
): T | undefined {
  const found = informer.get(`${namespace}/${name}`);
  return found?.metadata.uid === uid ? found : undefined;
}

function isOf({ group, kind }: Kind<never> | Kind, reference: OwnerReference): boolean {
  return reference.kind === kind && groupOf(reference.apiVersion) === group;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
