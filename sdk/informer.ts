import type { Disposer } from './extension.ts';

/**
 * A local copy of the objects of one kind, and calls when they change. Reads are synchronous and
 * cost nothing. Objects are shared and must not be changed: clone before writing.
 */
export interface Informer<T> extends Lister<T> {
  /** Resolves when the first list is in. Handlers added before have then been called for it. */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  /**
   * Everything up to this revision is in the copy; undefined before the first list, and during a
   * new one. A write of the plugin's own is seen once this is not below what the write returned.
   */
  readonly resourceVersion: string | undefined;
  /** Handlers should only enqueue keys. What exists already is replayed to `added`. */
  on(handlers: InformerHandlers<T>): Disposer;
  /** Ends it before the plugin is unloaded: nothing is in it, and nothing told, any more. */
  close(): void;
}

export interface Lister<T> {
  /** `namespace/name`, or `name`. */
  get(key: string): T | undefined;
  /** All, or those of one namespace. Order is not defined. */
  list(namespace?: string): T[];
  /** Those for which the index function named so gave `value`. */
  byIndex(index: string, value: string): T[];
}

export interface InformerHandlers<T> {
  added?(object: T): void;
  updated?(object: T, old: T): void;
  /** With the last known state. */
  deleted?(object: T): void;
}

export interface InformerOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * Only these fields are kept (`metadata` always is, without managedFields):
   * `['spec.nodeName', 'status.phase']`. Absent: everything but managedFields.
   */
  readonly fields?: readonly string[];
  /** Index name -> the values that an object is found under. */
  readonly indexes?: Readonly<Record<string, (object: never) => readonly string[]>>;
}
