import {
  ApiError,
  type KubeObject,
  type Logger,
  type ObjectClient,
  type OwnerReference,
  type ServedKind,
} from 'kernetes/sdk';
import {
  FOREGROUND,
  type Item,
  isWaiting,
  ORPHAN,
  type OwnerGraph,
  type Task,
  toItem,
} from './graph.ts';

export interface CollectorOptions {
  readonly graph: OwnerGraph;
  readonly objects: ObjectClient;
  readonly kinds: () => readonly ServedKind[];
  readonly enqueue: (task: Task) => void;
  readonly log: Logger;
}

/** Does what the graph's changes call for. Every step may be repeated. */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  async work({ action, uid }: Task): Promise<void> {
    const item = this.#options.graph.get(uid);
    if (item === undefined) return;
    if (action === 'orphan') await this.#orphan(item);
    else if (action === 'foreground') await this.#waitForDependents(item);
    else await this.#collect(item);
  }

  /** Deletes an object none of whose owners stays; takes dead references off one that lives. */
  async #collect(item: Item): Promise<void> {
    if (item.owners.length === 0 || (item.isDeleting && !isWaiting(item))) return;
    const states = await Promise.all(item.owners.map(owner => this.#stateOf(owner, item)));
    const dead = item.owners.filter((_, i) => states[i] !== 'there');
    if (dead.length === 0 || item.isDeleting) return;
    if (dead.length < item.owners.length) {
      await this.#dropOwners(item, dead);
      return;
    }
    const dependents = this.#options.graph.dependentsOf(item.uid);
    const waits = states.includes('waiting') && dependents.length > 0;
    // Owners in a circle would wait for each other for ever.
    if (waits && dependents.some(isWaiting)) await this.#unblockOwners(item);
    await this.#delete(item, waits ? 'Foreground' : policyOf(item));
  }

  /** An owner in the foreground: lets it go when nobody blocks it, else sees to its dependents. */
  async #waitForDependents(item: Item): Promise<void> {
    const { graph, enqueue } = this.#options;
    const blocking = graph
      .dependentsOf(item.uid)
      .filter(({ owners }) =>
        owners.some(owner => owner.uid === item.uid && owner.blockOwnerDeletion),
      );
    if (blocking.length === 0) {
      await this.#dropFinalizer(item, FOREGROUND);
      return;
    }
    for (const { uid, isDeleting } of blocking)
      if (!isDeleting) enqueue({ action: 'collect', uid });
  }

  async #orphan(item: Item): Promise<void> {
    const dependents = this.#options.graph.dependentsOf(item.uid);
    await Promise.all(
      dependents.map(dependent =>
        this.#dropOwners(
          dependent,
          dependent.owners.filter(({ uid }) => uid === item.uid),
        ),
      ),
    );
    await this.#dropFinalizer(item, ORPHAN);
  }

  async #stateOf(owner: OwnerReference, of: Item): Promise<'there' | 'waiting' | 'absent'> {
    const { graph, log } = this.#options;
    const known = graph.get(owner.uid);
    if (known !== undefined && isSameScope(known, of))
      return isWaiting(known) ? 'waiting' : 'there';
    if (graph.isGone(owner.uid)) return 'absent';
    const kind = this.#kindOf(owner);
    if (kind === undefined || (kind.namespaced && of.key.namespace === undefined)) {
      // Nobody can tell whether it exists: then nothing may be deleted for it.
      log.debug('Owner cannot be looked up', { owner, dependent: of.key });
      return 'there';
    }
    const namespace = kind.namespaced ? of.key.namespace : undefined;
    const found = await this.#find(kind, { name: owner.name, ...(namespace && { namespace }) });
    if (found?.metadata.uid !== owner.uid) return 'absent';
    return isWaiting(toItem(kind, found)) ? 'waiting' : 'there';
  }

  #kindOf({ apiVersion, kind }: OwnerReference): ServedKind | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    return this.#options.kinds().find(each => each.group === group && each.kind === kind);
  }

  async #find(kind: ServedKind, key: Item['key']): Promise<KubeObject | undefined> {
    try {
      return await this.#options.objects.get(kind, key);
    } catch (error) {
      if (ApiError.is(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #delete({ kind, key, uid }: Item, propagationPolicy: Policy): Promise<void> {
    const options = { preconditions: { uid }, propagationPolicy };
    await this.#options.objects.delete(kind, key, options).catch(ignoreGone);
  }

  #dropOwners(item: Item, dead: readonly OwnerReference[]): Promise<void> {
    return this.#patchMetadata(item, ({ metadata }) => {
      const owners = metadata.ownerReferences ?? [];
      const left = owners.filter(({ uid }) => !dead.some(each => each.uid === uid));
      if (left.length === owners.length) return undefined;
      return { ownerReferences: left.length > 0 ? left : null };
    });
  }

  #unblockOwners(item: Item): Promise<void> {
    return this.#patchMetadata(item, ({ metadata }) => ({
      ownerReferences: metadata.ownerReferences?.map(owner => ({
        ...owner,
        blockOwnerDeletion: false,
      })),
    }));
  }

  #dropFinalizer(item: Item, finalizer: string): Promise<void> {
    return this.#patchMetadata(item, ({ metadata }) => {
      const finalizers = metadata.finalizers ?? [];
      if (!finalizers.includes(finalizer)) return undefined;
      return { finalizers: finalizers.filter(each => each !== finalizer) };
    });
  }

  /** On the newest state, so that nothing that somebody else added meanwhile is lost. */
  async #patchMetadata(
    { kind, key, uid }: Item,
    change: (live: KubeObject) => object | undefined,
  ): Promise<void> {
    const live = await this.#find(kind, key);
    if (live?.metadata.uid !== uid) return;
    const changed = change(live);
    if (changed === undefined) return;
    const { resourceVersion } = live.metadata;
    const metadata = { uid, resourceVersion, ...changed };
    await this.#options.objects.patch(kind, key, { metadata }).catch((error: unknown) => {
      if (!ApiError.is(error, 'NotFound')) throw error;
    });
  }
}

type Policy = 'Orphan' | 'Background' | 'Foreground';

/** What the object itself says about its dependents. */
function policyOf({ finalizers }: Item): Policy {
  if (finalizers.includes(ORPHAN)) return 'Orphan';
  return finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background';
}

/** An owner in another namespace owns nothing here, whatever its uid. */
function isSameScope(owner: Item, dependent: Item): boolean {
  return !owner.kind.namespaced || owner.key.namespace === dependent.key.namespace;
}

/** Gone, or another object of that name: what was to be deleted is not there. */
function ignoreGone(error: unknown): void {
  if (!ApiError.is(error, 'NotFound') && !ApiError.is(error, 'Conflict')) throw error;
}
