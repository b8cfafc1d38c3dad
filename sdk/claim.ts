import type { ObjectMeta, OwnerReference } from './api/types-meta-v1.ts';
import { type Kind, type KubeObject, keyOf, parseKey } from './kind.ts';
import type { ObjectClient } from './objects.ts';
import { controllerReference } from './ownership.ts';
import type { Selector } from './selector.ts';
import { ApiError, conflict } from './status.ts';

export interface ClaimOptions<O extends KubeObject, T extends KubeObject> {
  readonly objects: ObjectClient;
  readonly ownerKind: Kind<O>;
  readonly owner: O;
  readonly selector: Selector;
  readonly kind: Kind<T>;
  /** What the owner controls by the copy. */
  readonly owned: readonly T[];
  /** What nobody controls, in the owner's namespace. */
  readonly orphans: readonly T[];
}

/**
 * The objects that a controller works with: those that it owns and still selects, and the orphans
 * that it selects, which it adopts. What it owns and no longer selects it releases. An owner that
 * is being deleted does neither.
 */
export async function claim<O extends KubeObject, T extends KubeObject>(
  options: ClaimOptions<O, T>,
): Promise<T[]> {
  const { owner, selector, owned, orphans } = options;
  const isDeleted = owner.metadata.deletionTimestamp !== undefined;
  const kept: T[] = [];
  const released: T[] = [];
  for (const object of owned) {
    if (selector.matches(object.metadata.labels)) kept.push(object);
    else if (!isDeleted) released.push(object);
  }
  const isWanted = ({ metadata }: T) =>
    !metadata.deletionTimestamp && selector.matches(metadata.labels);
  const adopted = isDeleted ? [] : orphans.filter(isWanted);
  if (adopted.length > 0) await assertMayAdopt(options);
  const results = await Promise.all([
    ...adopted.map(object => adopt(object, options)),
    ...released.map(object => release(object, options)),
  ]);
  return [...kept, ...results.filter(object => object !== undefined)];
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
  return setOwners(object, [...own, reference], options);
}

async function release<O extends KubeObject, T extends KubeObject>(
  object: T,
  options: ClaimOptions<O, T>,
): Promise<undefined> {
  const { uid } = options.owner.metadata;
  const references = object.metadata.ownerReferences ?? [];
  await setOwners(
    object,
    references.filter(reference => reference.uid !== uid),
    options,
  );
}

/** Undefined when the object is gone. Rejects with Conflict when it is not as in the copy. */
async function setOwners<T extends KubeObject>(
  object: T,
  ownerReferences: readonly OwnerReference[],
  { objects, kind }: { readonly objects: ObjectClient; readonly kind: Kind<T> },
): Promise<T | undefined> {
  const { uid, resourceVersion }: ObjectMeta = object.metadata;
  const owners = ownerReferences.length > 0 ? ownerReferences : null;
  const patch = { metadata: { uid, resourceVersion, ownerReferences: owners } };
  try {
    return await objects.patch(kind, parseKey(keyOf(object)), patch);
  } catch (error) {
    if (ApiError.is(error, 'NotFound')) return undefined;
    throw error;
  }
}
