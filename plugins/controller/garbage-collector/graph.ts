import { isDeepStrictEqual } from 'node:util';
import {
  apiVersionOf,
  type KubeObject,
  type ObjectKey,
  type OwnerReference,
  type ServedKind,
} from 'kernetes/sdk';

/** An object as far as ownership goes. */
export interface Item {
  readonly uid: string;
  readonly kind: ServedKind;
  readonly key: ObjectKey;
  readonly resourceVersion: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly isDeleting: boolean;
}

/** What should be looked at after a change. */
export interface Task {
  readonly action: 'collect' | 'foreground' | 'orphan';
  readonly uid: string;
}

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/**
 * Who owns whom, by uid. An owner may be known by its dependents only: watches of different kinds
 * do not keep step. A change costs as much as the object has owners; one that ends an owner, or
 * makes it wait, as much as it has dependents.
 */
export class OwnerGraph {
  readonly #items = new Map<string, Item>();
  readonly #dependents = new Map<string, Set<string>>();
  /** Owners, as references name them, that are known not to exist; the oldest are forgotten. */
  readonly #absent = new Set<string>();
  /** Whose owners are of kinds that are not served. */
  readonly #parked = new Set<string>();

  get(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  dependentsOf(uid: string): Item[] {
    const found: Item[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const item = this.#items.get(dependent);
      if (item) found.push(item);
    }
    return found;
  }

  /** Whether a dependent must go before it. */
  isBlocked(item: Item): boolean {
    for (const uid of this.#dependents.get(item.uid) ?? []) {
      const dependent = this.#items.get(uid);
      if (dependent?.owners.some(owner => owner.uid === item.uid && owner.blockOwnerDeletion)) {
        // One that only claims to be owned does not count.
        if (isInScope(item, dependent)) return true;
      }
    }
    return false;
  }

  /** Whether it waits for itself, through owners that it blocks. */
  isInCircle(item: Item): boolean {
    const seen = new Set<string>();
    const rest: Item[] = [item];
    for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
      for (const { uid, blockOwnerDeletion } of each.owners) {
        const owner = this.#items.get(uid);
        if (!blockOwnerDeletion || owner === undefined || !isWaiting(owner)) continue;
        if (uid === item.uid) return true;
        if (!seen.has(uid)) rest.push(owner);
        seen.add(uid);
      }
    }
    return false;
  }

  set(kind: ServedKind, object: KubeObject): Task[] {
    const item = toItem(kind, object);
    const { uid } = item;
    const before = this.#items.get(uid);
    this.#items.set(uid, item);
    const lost = (before?.owners ?? []).filter(
      old => !item.owners.some(owner => owner.uid === old.uid),
    );
    for (const owner of lost) this.#unlink(owner.uid, uid);
    for (const owner of item.owners) this.#link(owner.uid, uid);
    const tasks = this.#tasksOf(item, before);
    // An owner waits for a reference to go, or to stop blocking it.
    for (const owner of [...lost, ...item.owners]) tasks.push(...this.#ownerTasks(owner.uid));
    return tasks;
  }

  /** It is gone. */
  delete(uid: string): Task[] {
    const item = this.#items.get(uid);
    if (item === undefined) return [];
    const { apiVersion, kind, name, namespace = '' } = identityOf(item);
    this.setAbsent({ apiVersion, kind, name, uid }, namespace);
    const dependents = this.dependentsOf(uid);
    return [...this.forget(uid), ...dependents.map(collect)];
  }

  /** Nobody tells of it any more. It may be there. */
  forget(uid: string): Task[] {
    const item = this.#items.get(uid);
    if (item === undefined) return [];
    this.#items.delete(uid);
    this.#parked.delete(uid);
    for (const owner of item.owners) this.#unlink(owner.uid, uid);
    return item.owners.flatMap(owner => this.#ownerTasks(owner.uid));
  }

  /** That nothing is what the reference names, in a namespace (empty: of the cluster). */
  setAbsent(owner: OwnerReference, namespace: string): void {
    this.#absent.add(coordinates(owner, namespace));
    if (this.#absent.size <= ABSENT_MAX) return;
    const [oldest] = this.#absent;
    if (oldest !== undefined) this.#absent.delete(oldest);
  }

  /** Whether the owner that a dependent names is known not to exist. */
  isAbsent(owner: OwnerReference, { key: { namespace = '' } }: Item): boolean {
    return (
      this.#absent.has(coordinates(owner, namespace)) || this.#absent.has(coordinates(owner, ''))
    );
  }

  /** Nothing can be said about its owners until other kinds are served. */
  park(uid: string): void {
    this.#parked.add(uid);
  }

  unpark(): Task[] {
    const tasks = [...this.#parked].map(uid => collect({ uid }));
    this.#parked.clear();
    return tasks;
  }

  /** All that there may be to do, whatever was told before. */
  tasks(): Task[] {
    return [...this.#items.values()].flatMap(item => this.#tasksOf(item, undefined));
  }

  #tasksOf(item: Item, before: Item | undefined): Task[] {
    const { uid, owners, finalizers, isDeleting } = item;
    const tasks: Task[] = [];
    // What happens to its owners later is told by them.
    const isNew = before === undefined || !isDeepStrictEqual(before.owners, owners);
    if (isNew && owners.some(owner => this.#mayBeLost(owner, item))) tasks.push(collect(item));
    if (isDeleting && finalizers.includes(ORPHAN)) tasks.push({ action: 'orphan', uid });
    if (isWaiting(item)) {
      tasks.push({ action: 'foreground', uid });
      if (!before || !isWaiting(before)) tasks.push(...this.dependentsOf(uid).map(collect));
    }
    return tasks;
  }

  #mayBeLost(reference: OwnerReference, dependent: Item): boolean {
    const owner = this.#items.get(reference.uid);
    return owner === undefined || isWaiting(owner) || !isNamed(owner, reference, dependent);
  }

  /** An owner that waits for its dependents may have waited for this one. */
  #ownerTasks(uid: string): Task[] {
    const owner = this.#items.get(uid);
    if (!owner?.isDeleting) return [];
    if (owner.finalizers.includes(ORPHAN)) return [{ action: 'orphan', uid }];
    return isWaiting(owner) ? [{ action: 'foreground', uid }] : [];
  }

  #link(owner: string, dependent: string): void {
    const known = this.#dependents.get(owner);
    if (known) known.add(dependent);
    else this.#dependents.set(owner, new Set([dependent]));
  }

  #unlink(owner: string, dependent: string): void {
    const known = this.#dependents.get(owner);
    known?.delete(dependent);
    if (known?.size === 0) this.#dependents.delete(owner);
  }
}

/** It is being deleted in the foreground: its dependents go first. */
export function isWaiting({ isDeleting, finalizers }: Item): boolean {
  return isDeleting && finalizers.includes(FOREGROUND);
}

/** Whether an object can own what is in the dependent's namespace. */
export function isInScope(owner: Item, dependent: Item): boolean {
  return !owner.kind.namespaced || owner.key.namespace === dependent.key.namespace;
}

/** Whether a reference to an object's uid names that object in everything else too. */
export function isNamed(owner: Item, reference: OwnerReference, dependent: Item): boolean {
  const { apiVersion, kind, name } = identityOf(owner);
  if (!isInScope(owner, dependent)) return false;
  return reference.apiVersion === apiVersion && reference.kind === kind && reference.name === name;
}

export function toItem(kind: ServedKind, { metadata }: KubeObject): Item {
  const { uid = '', name = '', namespace, resourceVersion = '' } = metadata;
  const { ownerReferences, finalizers, deletionTimestamp } = metadata;
  return {
    uid,
    kind,
    key: { name, ...(namespace && { namespace }) },
    resourceVersion,
    owners: ownerReferences ?? NONE,
    finalizers: finalizers ?? NONE,
    isDeleting: deletionTimestamp !== undefined,
  };
}

function identityOf({ kind, key }: Item) {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...key };
}

function coordinates({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): string {
  return `${apiVersion} ${kind} ${namespace}/${name} ${uid}`;
}

function collect({ uid }: { readonly uid: string }): Task {
  return { action: 'collect', uid };
}

const NONE: readonly never[] = [];
/** A large Deployment's pods are collected long before so many more objects have gone. */
const ABSENT_MAX = 10_000;
