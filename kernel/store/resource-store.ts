import { SortedKeys } from './sorted-keys.ts';
import type { StorageForm, StoredObject } from './stored-object.ts';

/** The cached objects of one resource, by key and in key order. */
export class ResourceStore {
  /** `registry/pods` */
  readonly prefix: string;
  readonly namespaced: boolean;
  readonly form: StorageForm;
  readonly #objects = new Map<string, StoredObject>();
  readonly #keys = new SortedKeys();

  constructor(prefix: string, namespaced: boolean, form: StorageForm) {
    this.prefix = prefix;
    this.namespaced = namespaced;
    this.form = form;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Returns what was there. */
  set(object: StoredObject): StoredObject | undefined {
    const previous = this.#objects.get(object.key);
    this.#objects.set(object.key, object);
    if (previous === undefined) this.#keys.add(object.key);
    return previous;
  }

  delete(key: string): StoredObject | undefined {
    const previous = this.#objects.get(key);
    if (previous !== undefined) {
      this.#objects.delete(key);
      this.#keys.delete(key);
    }
    return previous;
  }

  /** In key order, from `start` on (inclusive), those of one namespace if one is given. */
  *scan(namespace: string, start = ''): Generator<StoredObject, void, undefined> {
    const low = namespace ? `${namespace}/` : '';
    const high = namespace ? `${namespace}0` : LAST;
    for (const key of this.#keys.between(start > low ? start : low, high)) {
      const object = this.#objects.get(key);
      if (object !== undefined) yield object;
    }
  }
}

/** Above every key: names are ASCII. */
const LAST = '\u{7f}';
