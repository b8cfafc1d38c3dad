import type { ObjectMeta, OwnerReference } from './api/types-meta-v1.ts';
import type { ControllerView } from './controller.ts';
import { type Kind, type KubeObject, keyOf, type ObjectKey, parseKey } from './kind.ts';
import type { ObjectClient } from './objects.ts';
import { controllerOf, controllerReference } from './ownership.ts';
import type { Selector } from './selector.ts';
import { ApiError, conflict } from './status.ts';

export interface ClaimOptions<O extends KubeObject, T extends KubeObject> {
  readonly objects: ObjectClient;
  readonly ownerKind: Kind<O>;
  readonly owner: O;
  readonly selector: Selector;
  /** What else an object must be to be the owner's. Absent: nothing. */
  readonly isMember?: (object: T) => boolean;
  readonly kind: Kind<T>;
  /** What the owner controls by the copy. */
  readonly owned: readonly T[];
  /** What nobody controls, in the owner's namespace. */
  readonly orphans: readonly T[];
  /** What is adopted gets this, and what is released loses it: then nothing goes unseen. */
  readonly finalizer?: string;
}

/**
 * The objects that a controller works with: those that it owns and still selects, and the orphans
 * that it selects, which it adopts. What it owns and no longer selects it releases. An owner that
 * is being deleted does neither.
 */
export async function claim<O extends KubeObject, T extends KubeObject>(
  options: ClaimOptions<O, T>,
): Promise<T[]> {
  const { owner, selector, isMember = () => true, owned, orphans } = options;
  const isDeleted = owner.metadata.deletionTimestamp !== undefined;
  const kept: T[] = [];
  const released: T[] = [];
  const isOurs = (object: T) => selector.matches(object.metadata.labels) && isMember(object);
  for (const object of owned) {
    if (isOurs(object)) kept.push(object);
    else if (!isDeleted) released.push(object);
  }
  const isWanted = (object: T) => !object.metadata.deletionTimestamp && isOurs(object);
  const adopted = isDeleted ? [] : orphans.filter(isWanted);
  if (adopted.length > 0) await assertMayAdopt(options);
  const results = await Promise.all([
    ...adopted.map(object => adopt(object, options)),
    ...released.map(object => release(object, options)),
  ]);
  return [...kept, ...results.filter(object => object !== undefined)];
}

/**
 * The `map` of a controller that watches what it adopts: which owners select an object that nobody
 * manages. Costs as much as there are owners in its namespace.
 */
export function adopters<O extends KubeObject>(
  ownerKind: Kind<O>,
  selectorOf: (owner: O) => Selector,
): (orphan: KubeObject, view: ControllerView) => readonly ObjectKey[] {
  return ({ metadata }, { informer }) => {
    const { namespace = '', labels, deletionTimestamp } = metadata;
    if (deletionTimestamp || controllerOf({ metadata })) return [];
    return informer(ownerKind)
      .list(namespace)
      .filter(owner => selectorOf(owner).matches(labels))
      .map(owner => ({ namespace, name: owner.metadata.name ?? '' }));
  };
}

/** The copy may be old: an owner that is gone, or another of its name, must not adopt. */
async function assertMayAdopt<O extends KubeObject, T extends KubeObject>({
  objects,
  ownerKind,
  owner,
}: ClaimOptions<O, T>): Promise<void> {
  const { metadata } = await objects.get(ownerKind, parseKey(keyOf(owner)));
  if (metadata.uid === owner.metadata.uid && !metadata.deletionTimestamp) return;
  throw conflict(ownerKind, metadata.name ?? '', 'it was deleted while it adopted objects');
}

/** Undefined when it is gone. */
async function adopt<O extends KubeObject, T extends KubeObject>(
  object: T,
  options: ClaimOptions<O, T>,
): Promise<T | undefined> {
  const reference = controllerReference(options.ownerKind, options.owner);
  const others = object.metadata.ownerReferences ?? [];
  const own = others.filter(({ uid }) => uid !== reference.uid);
  const held = new Set(object.metadata.finalizers);
  if (options.finalizer) held.add(options.finalizer);
  return setOwners(object, { owners: [...own, reference], finalizers: [...held] }, options);
}

async function release<O extends KubeObject, T extends KubeObject>(
  object: T,
  options: ClaimOptions<O, T>,
): Promise<undefined> {
  const { uid } = options.owner.metadata;
  const { ownerReferences = [], finalizers = [] } = object.metadata;
  const owners = ownerReferences.filter(reference => reference.uid !== uid);
  const held = finalizers.filter(finalizer => finalizer !== options.finalizer);
  await setOwners(object, { owners, finalizers: held }, options);
}

interface Ties {
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
}

/** Undefined when the object is gone. Rejects with Conflict when it is not as in the copy. */
async function setOwners<T extends KubeObject>(
  object: T,
  { owners, finalizers }: Ties,
  options: Pick<ClaimOptions<KubeObject, T>, 'objects' | 'kind' | 'finalizer'>,
): Promise<T | undefined> {
  const { uid, resourceVersion }: ObjectMeta = object.metadata;
  const metadata = {
    ...{ uid, resourceVersion },
    ownerReferences: owners.length > 0 ? owners : null,
    ...(options.finalizer && { finalizers: finalizers.length > 0 ? finalizers : null }),
  };
  try {
    return await options.objects.patch(options.kind, parseKey(keyOf(object)), { metadata });
  } catch (error) {
    if (ApiError.is(error, 'NotFound')) return undefined;
    throw error;
  }
}
