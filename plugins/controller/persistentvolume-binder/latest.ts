import { type Informer, type KubeObject, keyOf } from 'kernetes/sdk';

/**
 * The objects of an informer, or what this controller wrote itself where the informer has not seen
 * that yet. One binding is four writes; without it each step that a watch is behind would be tried
 * again, only to be refused as a conflict.
 */
export class Latest<T extends KubeObject> {
  readonly #informer: Informer<T>;
  readonly #written = new Map<string, T>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
    informer.on({
      added: object => this.#forget(object),
      updated: object => this.#forget(object),
      deleted: object => void this.#written.delete(keyOf(object)),
    });
  }

  get(key: string): T | undefined {
    const seen = this.#informer.get(key);
    return seen && this.#newer(seen);
  }

  byIndex(index: string, value: string): T[] {
    return this.#informer.byIndex(index, value).map(seen => this.#newer(seen));
  }

  /** Takes the answer to a write, and gives it back. */
  keep(object: T): T {
    const seen = this.#informer.get(keyOf(object));
    const isKnown = seen !== undefined && seen.metadata.uid === object.metadata.uid;
    if (isKnown && versionOf(object) > versionOf(seen)) this.#written.set(keyOf(object), object);
    return object;
  }

  #newer(seen: T): T {
    const written = this.#written.get(keyOf(seen));
    return written && versionOf(written) > versionOf(seen) ? written : seen;
  }

  #forget(seen: T): void {
    const written = this.#written.get(keyOf(seen));
    if (written && versionOf(written) <= versionOf(seen)) this.#written.delete(keyOf(seen));
  }
}

function versionOf({ metadata }: KubeObject): number {
  return Number(metadata.resourceVersion ?? 0);
}
