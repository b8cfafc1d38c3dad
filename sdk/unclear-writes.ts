import type { Expectations } from './expectations.ts';
import type { Informer } from './informer.ts';
import { type Kind, type KubeObject, keyOf, parseKey } from './kind.ts';
import type { ObjectClient } from './objects.ts';
import { type ApiError, undefinedIfNotFound } from './status.ts';

/**
 * Writes for an owner of which nobody knows whether they were done, since the server broke off:
 * only what it has tells. Without asking, a controller whose copy lags would make objects with
 * generated names a second time, or delete others beside the ones that it has deleted.
 */
export class UnclearWrites {
  readonly #owners = new Set<string>();

  /** A write for the owner with this key was answered with `error`. A refusal is clear. */
  failed(owner: string, error: ApiError): void {
    if (error.code >= 500) this.#owners.add(owner);
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }

  /**
   * To be called before `expectations` are asked: what the server has and the copy has not is
   * expected then as if the answers had come. Rejects while the server does not tell.
   */
  async clear<T extends KubeObject>(owner: string, options: ClearOptions<T>): Promise<void> {
    if (!this.#owners.has(owner)) return;
    const { objects, kind, informer, owned, labelSelector, expectations } = options;
    const { namespace = '' } = parseKey(owner);
    const { items } = await objects.list(kind, { namespace, labelSelector });
    const found = new Set(items.map(({ metadata }) => metadata.uid));
    for (const item of items) {
      const copy = informer.get(keyOf(item));
      const isSame = copy?.metadata.uid === item.metadata.uid;
      const isSeen = copy && isSame && isEnding(copy) === isEnding(item);
      if (!isSeen) expectations.wrote(owner, item);
    }
    // Not in the list: gone, or only of other labels, for which nothing is to be waited.
    for (const copy of owned.filter(({ metadata }) => !found.has(metadata.uid))) {
      const key = parseKey(keyOf(copy));
      const item = await objects.get(kind, key).catch(undefinedIfNotFound);
      if (item?.metadata.uid !== copy.metadata.uid) expectations.deleted(owner, copy);
    }
    this.#owners.delete(owner);
  }
}

export interface ClearOptions<T extends KubeObject> {
  readonly objects: ObjectClient;
  readonly kind: Kind<T>;
  readonly informer: Informer<T>;
  /** What the owner controls by the copy. */
  readonly owned: readonly T[];
  /** Which objects can be the owner's, in its namespace. */
  readonly labelSelector: string;
  readonly expectations: Expectations<T>;
}

function isEnding({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
