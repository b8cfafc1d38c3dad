import type { KubeObject, ObjectKey, OwnerReference, ServedKind } from 'kernetes/sdk';

/** An object as far as ownership goes. */
export interface Item {
  readonly uid: string;
  readonly kind: ServedKind;
  readonly key: ObjectKey;
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
 * do not keep step. Each change costs as much as the object has owners, or loses dependents.
 */
export class OwnerGraph {
  readonly #items = new Map<string, Item>();
  readonly #dependents = new Map<string, Set<string>>();
  /** Uids that were seen to go, so that nobody need ask for them; the oldest are forgotten. */
  readonly #gone = new Set<string>();

  get(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  isGone(uid: string): boolean {
    return this.#gone.has(uid);
  }

  dependentsOf(uid: string): Item[] {
    const found: Item[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const item = this.#items.get(dependent);
      if (item) found.push(item);
    }
    return found;
  }

  set(kind: ServedKind, object: KubeObject): Task[] {
    const item = toItem(kind, object);
    const before = this.#items.get(item.uid);
    this.#items.set(item.uid, item);
    const lost = (before?.owners ?? []).filter(
      ({ uid }) => !item.owners.some(owner => owner.uid === uid),
    );
    for (const { uid } of lost) this.#unlink(uid, item.uid);
    for (const { uid } of item.owners) this.#link(uid, item.uid);
    // An owner waits for a reference to go, or to stop blocking it.
    const owners = [...lost, ...item.owners].flatMap(({ uid }) => this.#ownerTasks(uid));
    return [...this.#tasksOf(item), ...owners];
  }

  delete(uid: string): Task[] {
    const item = this.#items.get(uid);
    if (item === undefined) return [];
    this.#items.delete(uid);
    this.#remember(uid);
    for (const owner of item.owners) this.#unlink(owner.uid, uid);
    return [
      ...this.dependentsOf(uid).map(
        (dependent): Task => ({ action: 'collect', uid: dependent.uid }),
      ),
      ...item.owners.flatMap(owner => this.#ownerTasks(owner.uid)),
    ];
  }

  #tasksOf(item: Item): Task[] {
    const { uid, owners, finalizers, isDeleting } = item;
    const tasks: Task[] = [];
    if (owners.some(owner => this.#mayBeLost(owner))) tasks.push({ action: 'collect', uid });
    if (isDeleting && finalizers.includes(ORPHAN)) tasks.push({ action: 'orphan', uid });
    if (isDeleting && finalizers.includes(FOREGROUND)) tasks.push({ action: 'foreground', uid });
    return tasks;
  }

  #mayBeLost({ uid }: OwnerReference): boolean {
    const owner = this.#items.get(uid);
    return owner === undefined || isWaiting(owner);
  }

  /** An owner that waits for its dependents may have waited for this one. */
  #ownerTasks(uid: string): Task[] {
    const owner = this.#items.get(uid);
    return owner && isWaiting(owner) ? [{ action: 'foreground', uid }] : [];
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

  #remember(uid: string): void {
    this.#gone.add(uid);
    if (this.#gone.size <= GONE_MAX) return;
    const [oldest] = this.#gone;
    if (oldest !== undefined) this.#gone.delete(oldest);
  }
}

/** It is being deleted in the foreground: its dependents go first. */
export function isWaiting({ isDeleting, finalizers }: Item): boolean {
  return isDeleting && finalizers.includes(FOREGROUND);
}

export function toItem(kind: ServedKind, { metadata }: KubeObject): Item {
  const {
    uid = '',
    name = '',
    namespace,
    ownerReferences,
    finalizers,
    deletionTimestamp,
  } = metadata;
  return {
    uid,
    kind,
    key: { name, ...(namespace && { namespace }) },
    owners: ownerReferences ?? [],
    finalizers: finalizers ?? [],
    isDeleting: deletionTimestamp !== undefined,
  };
}

/** A large Deployment's pods are collected long before so many more objects have gone. */
const GONE_MAX = 10_000;
