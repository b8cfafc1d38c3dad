import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  apiVersionOf,
  type EventRecorder,
  type Kind,
  type KubeObject,
  type Logger,
  type ObjectClient,
  type OwnerReference,
  type ReconcileResult,
  type ServedKind,
} from 'kernetes/sdk';
import {
  FOREGROUND,
  type Item,
  isInScope,
  isNamed,
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
  readonly events: EventRecorder;
  readonly log: Logger;
}

/**
 * What an owner is to its dependent. `unseen`: there, though no watch has shown it. `unknown`: of a
 * kind that is not served. `impossible`: nothing that is outside of namespaces can have it.
 */
type OwnerState = 'there' | 'unseen' | 'waiting' | 'absent' | 'unknown' | 'impossible';

/** Does what the graph's changes call for. Every step may be repeated. */
export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  async work({ action, uid }: Task): Promise<ReconcileResult> {
    const item = this.#options.graph.get(uid);
    if (item === undefined) return undefined;
    if (action === 'collect') return this.#collect(item);
    if (action === 'orphan') await this.#orphan(item);
    else await this.#waitForDependents(item);
    return undefined;
  }

  /** Deletes an object none of whose owners stays; takes dead references off one that lives. */
  async #collect(item: Item): Promise<ReconcileResult> {
    const { graph } = this.#options;
    if (item.owners.length === 0 || item.isDeleting) return undefined;
    const states = await Promise.all(item.owners.map(owner => this.#stateOf(owner, item)));
    if (states.includes('impossible')) return undefined;
    if (states.includes('unknown')) {
      graph.park(item.uid);
      return undefined;
    }
    const isSolid = states.includes('there') || states.includes('unseen');
    const dead = item.owners.filter((_, i) => states[i] === 'absent' || states[i] === 'waiting');
    if (!isSolid) await this.#end(item, states.includes('waiting'));
    // An owner that waits would do so for ever.
    else if (dead.length > 0) await this.#dropOwners(item, dead);
    // It may go without that any watch tells.
    return states.includes('unseen') ? { requeueAfter: UNSEEN_RETRY_MS } : undefined;
  }

  async #end(item: Item, ownerWaits: boolean): Promise<void> {
    const dependents = this.#options.graph.dependentsOf(item.uid);
    if (!ownerWaits || dependents.length === 0) return this.#delete(item, undefined);
    // Owners in a circle would wait for each other for ever.
    if (dependents.some(isWaiting) && (await this.#unblockOwners(item))) return;
    await this.#delete(item, 'Foreground');
  }

  /** An owner in the foreground: lets it go when nobody blocks it. */
  async #waitForDependents(item: Item): Promise<void> {
    const { graph } = this.#options;
    if (!isWaiting(item)) return;
    if (!graph.isBlocked(item)) await this.#dropFinalizer(item, FOREGROUND);
    else if (graph.isInCircle(item)) await this.#unblockOwners(item);
  }

  async #orphan(item: Item): Promise<void> {
    if (!item.isDeleting || !item.finalizers.includes(ORPHAN)) return;
    const dependents = this.#options.graph.dependentsOf(item.uid).values();
    const work = async () => {
      for (const dependent of dependents) {
        const dead = dependent.owners.filter(({ uid }) => uid === item.uid);
        await this.#dropOwners(dependent, dead);
      }
    };
    await Promise.all(Array.from({ length: ORPHAN_WORKERS }, work));
    await this.#dropFinalizer(item, ORPHAN);
  }

  async #stateOf(owner: OwnerReference, of: Item): Promise<OwnerState> {
    const { graph } = this.#options;
    const known = graph.get(owner.uid);
    if (known && isNamed(known, owner, of)) return isWaiting(known) ? 'waiting' : 'there';
    if (known && !isInScope(known, of)) this.#warn(owner, of);
    if (graph.isAbsent(owner, of)) return 'absent';
    const kind = this.#kindOf(owner);
    if (kind === undefined) return 'unknown';
    const { namespace } = of.key;
    if (kind.namespaced && namespace === undefined) return 'impossible';
    const scope = kind.namespaced && namespace ? { namespace } : {};
    const found = await this.#find(kind, { name: owner.name, ...scope });
    if (found === 'unknown') return 'unknown';
    if (found?.metadata.uid !== owner.uid) {
      graph.setAbsent(owner, scope.namespace ?? '');
      return 'absent';
    }
    if (isWaiting(toItem(kind, found))) return 'waiting';
    return known ? 'there' : 'unseen';
  }

  /** Of the reference's own group and version, which may be another than that we watch. */
  #kindOf({ apiVersion, kind }: OwnerReference): ServedKind | undefined {
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    const all = this.#options.kinds().filter(each => each.kind === kind);
    // A group may be another's older name (extensions Ingress): the plural is the same then.
    const found = all.find(each => each.group === group) ?? all[0];
    return found && { ...found, group, version };
  }

  async #find(kind: Kind, key: Item['key']): Promise<KubeObject | undefined | 'unknown'> {
    try {
      return await this.#options.objects.get(kind, key);
    } catch (error) {
      if (!ApiError.is(error, 'NotFound')) throw error;
      return error.status.details?.name ? undefined : 'unknown';
    }
  }

  /** As upstream tells that an owner can only be in the dependent's namespace. */
  #warn(owner: OwnerReference, { kind, key, uid }: Item): void {
    const { namespace = '' } = key;
    const about = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { ...key, uid } };
    const what =
      `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, ` +
      `name: ${owner.name}, uid: ${owner.uid}]`;
    const text = `ownerRef ${what} does not exist in namespace "${namespace}"`;
    this.#options.events.event(about, 'Warning', 'OwnerRefInvalidNamespace', text);
  }

  /**
   * Deletes what the graph shows, or its newer state if that has the same owners; if not, the change
   * is told and looked at then.
   */
  async #delete(item: Item, propagationPolicy: Policy | undefined): Promise<void> {
    const { kind, key, uid } = item;
    let now = item;
    for (let attempt = 1; ; attempt++) {
      const preconditions = { uid, resourceVersion: now.resourceVersion };
      const policy = propagationPolicy ?? policyOf(now);
      try {
        return await this.#options.objects.delete(kind, key, {
          preconditions,
          propagationPolicy: policy,
        });
      } catch (error) {
        if (ApiError.is(error, 'NotFound')) return;
        if (!ApiError.is(error, 'Conflict') || attempt === DELETE_ATTEMPTS_MAX) throw error;
      }
      const live = await this.#find(kind, key);
      if (live === 'unknown' || live?.metadata.uid !== uid) return;
      now = toItem(kind, live);
      if (now.isDeleting || !isDeepStrictEqual(now.owners, item.owners)) return;
    }
  }

  async #dropOwners(item: Item, dead: readonly OwnerReference[]): Promise<void> {
    await this.#patchMetadata(item, ({ metadata }) => {
      const owners = metadata.ownerReferences ?? [];
      const left = owners.filter(({ uid }) => !dead.some(each => each.uid === uid));
      if (left.length === owners.length) return undefined;
      return { ownerReferences: left.length > 0 ? left : null };
    });
  }

  /** Whether there was something to change. */
  #unblockOwners(item: Item): Promise<boolean> {
    return this.#patchMetadata(item, ({ metadata: { ownerReferences = [] } }) => {
      if (!ownerReferences.some(owner => owner.blockOwnerDeletion)) return undefined;
      return {
        ownerReferences: ownerReferences.map(owner =>
          owner.blockOwnerDeletion ? { ...owner, blockOwnerDeletion: false } : owner,
        ),
      };
    });
  }

  async #dropFinalizer(item: Item, finalizer: string): Promise<void> {
    await this.#patchMetadata(item, ({ metadata }) => {
      const finalizers = metadata.finalizers ?? [];
      if (!finalizers.includes(finalizer)) return undefined;
      return { finalizers: finalizers.filter(each => each !== finalizer) };
    });
  }

  /** On the newest state, so that nothing that somebody else added meanwhile is lost. */
  async #patchMetadata(
    { kind, key, uid }: Item,
    change: (live: KubeObject) => object | undefined,
  ): Promise<boolean> {
    const live = await this.#find(kind, key);
    if (live === 'unknown' || live?.metadata.uid !== uid) return false;
    const changed = change(live);
    if (changed === undefined) return false;
    const { resourceVersion } = live.metadata;
    const metadata = { uid, resourceVersion, ...changed };
    await this.#options.objects.patch(kind, key, { metadata }).catch((error: unknown) => {
      if (!ApiError.is(error, 'NotFound')) throw error;
    });
    return true;
  }
}

type Policy = 'Orphan' | 'Background' | 'Foreground';

/** What the object itself says about its dependents. */
function policyOf({ finalizers }: Item): Policy {
  if (finalizers.includes(ORPHAN)) return 'Orphan';
  return finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background';
}

/** Status updates may come between a look and a delete, but not for ever. */
const DELETE_ATTEMPTS_MAX = 5;
/** An owner that is not in our copy yet will be by then, or is gone. */
const UNSEEN_RETRY_MS = 10_000;
/** Dependents of one owner that are let go at a time. */
const ORPHAN_WORKERS = 50;
