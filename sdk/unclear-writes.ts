import type { ReconcileContext } from './controller.ts';
import type { Expectations } from './expectations.ts';
import { type Kind, type KubeObject, keyOf, parseKey } from './kind.ts';
import type { Selector } from './selector.ts';
import { type ApiError, undefinedIfNotFound } from './status.ts';

/**
 * Writes for an owner of which nobody knows whether they were done, since the server broke off:
 * only what it has tells. Without asking, a controller whose copy lags would make objects with
 * generated names a second time, or delete others beside the ones that it has deleted.
 */
export class UnclearWrites<T extends KubeObject> {
  readonly #kind: Kind<T>;
  readonly #expectations: Expectations<T>;
  readonly #owners = new Set<string>();

  /** Of objects of `kind`, which `expectations` are about. */
  constructor(kind: Kind<T>, expectations: Expectations<T>) {
    this.#kind = kind;
    this.#expectations = expectations;
  }

  /** A write for the owner with this key was answered with `error`. A refusal is clear. */
  failed(owner: string, error: ApiError): void {
    if (error.code >= 500) this.#owners.add(owner);
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }

  /**
   * To be called before the expectations are asked: what the server has and the copy has not is
   * expected then as if the answers had come. `selector` says which objects can be the owner's, in
   * its namespace. Rejects while the server does not tell.
   */
  async clear(owner: string, selector: Selector, context: ClearContext): Promise<void> {
    if (!this.#owners.has(owner)) return;
    const kind = this.#kind;
    const { objects } = context;
    const informer = context.informer(kind);
    const owned = context.owned(kind);
    const { namespace = '' } = parseKey(owner);
    const labelSelector = selector.toString();
    const { items } = await objects.list(kind, { namespace, labelSelector });
    const found = new Set(items.map(({ metadata }) => metadata.uid));
    for (const item of items) {
      const copy = informer.get(keyOf(item));
      const isSame = copy?.metadata.uid === item.metadata.uid;
      const isSeen = copy && isSame && isEnding(copy) === isEnding(item);
      if (!isSeen) this.#expectations.wrote(owner, item);
    }
    // Not in the list: gone, or only of other labels, for which nothing is to be waited.
    for (const copy of owned.filter(({ metadata }) => !found.has(metadata.uid))) {
      const key = parseKey(keyOf(copy));
      const item = await objects.get(kind, key).catch(undefinedIfNotFound);
      if (item?.metadata.uid !== copy.metadata.uid) this.#expectations.deleted(owner, copy);
    }
    this.#owners.delete(owner);
  }
}

/** Of the owner's reconciliation. */
type ClearContext = Pick<ReconcileContext<KubeObject, unknown>, 'objects' | 'informer' | 'owned'>;

function isEnding({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
