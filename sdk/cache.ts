import { type KubeObject, keyOf } from './kind.ts';

/** Gives the values that an object is found under. */
export type IndexFunction<T = never> = (object: T) => readonly string[];

/**
 * Objects by key and by indexes. An index is kept while somebody holds it; two holders of the same
 * function share one.
 */
export class Cache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<IndexFunction<T>, Index<T>>();
  /** Made when a namespace is first asked for; many users never do. */
  #byNamespace: Index<T> | undefined;

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): MapIterator<T> {
    return this.#objects.values();
  }

  keys(): MapIterator<string> {
    return this.#objects.keys();
  }

  inNamespace(namespace: string): T[] {
    this.#byNamespace ??= this.hold(namespaceOf);
    return this.#byNamespace.find(namespace);
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#reindex(key, old, object);
    return old;
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    this.#reindex(key, old, undefined);
    return old;
  }

  /** Each `hold` needs a `release`. */
  hold(valuesOf: IndexFunction<T>): Index<T> {
    let index = this.#indexes.get(valuesOf);
    if (index === undefined) {
      index = new Index(valuesOf);
      for (const [key, object] of this.#objects) index.replace(key, undefined, object);
      this.#indexes.set(valuesOf, index);
    }
    index.holders++;
    return index;
  }

  release(valuesOf: IndexFunction<T>): void {
    const index = this.#indexes.get(valuesOf);
    if (index !== undefined && --index.holders === 0) this.#indexes.delete(valuesOf);
  }

  /** An index function that throws does not keep the other indexes, which may be others', old. */
  #reindex(key: string, old: T | undefined, object: T | undefined): void {
    const errors: unknown[] = [];
    for (const index of this.#indexes.values()) {
      try {
        index.replace(key, old, object);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `Cannot index "${key}"`);
  }
}

export class Index<T> {
  holders = 0;
  readonly #valuesOf: IndexFunction<T>;
  readonly #found = new Map<string, Map<string, T>>();

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  find(value: string): T[] {
    const found = this.#found.get(value);
    return found ? [...found.values()] : [];
  }

  replace(key: string, old: T | undefined, object: T | undefined): void {
    const values = object === undefined ? [] : this.#valuesOf(object);
    if (old !== undefined) {
      for (const value of this.#valuesOf(old)) {
        if (!values.includes(value)) this.#remove(value, key);
      }
    }
    if (object === undefined) return;
    for (const value of values) {
      const found = this.#found.get(value);
      if (found) found.set(key, object);
      else this.#found.set(value, new Map([[key, object]]));
    }
  }

  #remove(value: string, key: string): void {
    const found = this.#found.get(value);
    if (found?.delete(key) && found.size === 0) this.#found.delete(value);
  }
}

function namespaceOf(object: KubeObject): readonly string[] {
  return [object.metadata.namespace ?? ''];
}
