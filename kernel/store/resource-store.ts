import { SortedKeys } from './sorted-keys.ts';
import type { StorageForm, StoredObject } from './stored-object.ts';

/** The cached objects of one resource, by key and in key order. */
export class ResourceStore {
  /** `registry/pods` */
  readonly prefix: string;
  readonly namespaced: boolean;
  /**
   * Its objects go by themselves, and hardly anybody looks at one: what was written is not kept
   * decoded, for it would only push out what is.
   */
  isSeldomRead = false;
  /** The first is what is written; objects may be there in the others. */
  #forms: readonly StorageForm[];
  readonly #objects = new Map<string, StoredObject>();
  readonly #keys = new SortedKeys();

  constructor(prefix: string, namespaced: boolean, ...forms: StorageForm[]) {
    this.prefix = prefix;
    this.namespaced = namespaced;
    this.#forms = forms;
  }

  get form(): StorageForm {
    const [form] = this.#forms;
    if (form === undefined) throw new Error(`Cannot write to "${this.prefix}": it has no form`);
    return form;
  }

  /** What is written from now on; what is there stays as it is. */
  setForms(forms: readonly StorageForm[]): void {
    const known = this.#forms;
    this.#forms = forms.map(form => known.find(each => each.equals(form)) ?? form);
  }

  /** The form that the database's bytes are in. */
  formOf(value: Uint8Array): StorageForm {
    if (this.#forms.length === 1) return this.form;
    return this.#forms.find(form => form.isFormOf(value)) ?? this.form;
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
