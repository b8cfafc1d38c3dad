/**
 * What the object store needs of a database: the small part of etcd's contract that Kubernetes
 * uses. Revisions are ordered and learned from the commit; one transaction is one revision.
 *
 * All byte arrays are owned by the receiver once handed over: nobody changes them afterwards.
 * Keys are ASCII and compare bytewise. Everything is asynchronous, so that a backend on the other
 * side of a network fits the same contract as one in this process.
 */
export interface Backend {
  /** `memory`, `lmdb` or `etcd`; used in log lines and errors. */
  readonly name: string;

  /**
   * Commits independent transactions. They are grouped (one flush for many) but each is atomic by
   * itself, sees those before it in the array, and gets a revision of its own, in array order.
   * Resolves when every successful one is durable; nothing of them is readable before that.
   * Rejects only when the database itself fails: then none of the batch is acknowledged.
   */
  commit(transactions: readonly Transaction[]): Promise<CommitResult[]>;

  /**
   * The keys from `start` (inclusive) to `end` (exclusive), in key order, at one revision.
   * `revision` 0 means the newest. Rejects with `CompactedError` below the compacted revision and
   * with `FutureRevisionError` above the newest.
   */
  range(start: string, end: string, options?: RangeOptions): Promise<RangeResult>;

  /** The newest durable revision, as every other client of the same database sees it. */
  revision(): Promise<number>;

  /**
   * Every change after revision `after`, in revision order, each exactly once, of keys that start
   * with `prefix`. Changes of one revision arrive in one call. A batch may carry no changes: then
   * it says that everything up to its revision has been delivered. `onEnd` is called once when the
   * watch cannot go on: with `CompactedError` when `after` is already compacted, or with the
   * database's failure; the caller lists again. It is not called after `close()`.
   */
  watch(prefix: string, after: number, sink: WatchSink): Watch;

  /** Forgets history up to and including `revision`; ranges and watches below it are refused. */
  compact(revision: number): Promise<void>;

  /** Finishes running commits, releases files, locks and sockets. Idempotent. */
  close(): Promise<void>;
}

export interface Transaction {
  /** All must hold, else nothing of the transaction is done. */
  readonly compare: readonly Comparison[];
  /** Done in order; a key occurs at most once. */
  readonly operations: readonly Operation[];
}

export interface Comparison {
  readonly key: string;
  /** The key's modification revision; 0: the key does not exist. */
  readonly modRevision: number;
}

export type Operation =
  | { readonly put: string; readonly value: Uint8Array }
  | { readonly delete: string };

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /** `found` has, for every key compared, what is there now (undefined: nothing). */
  | { readonly ok: false; readonly found: readonly (KeyValue | undefined)[] };

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface RangeOptions {
  readonly revision?: number;
  /** 0 or absent: all. */
  readonly limit?: number;
}

export interface RangeResult {
  readonly items: readonly KeyValue[];
  /** The revision that the range was read at. */
  readonly revision: number;
  /** More keys exist past the limit. */
  readonly more: boolean;
}

export interface WatchSink {
  onChanges(revision: number, changes: readonly Change[]): void;
  onEnd(reason: Error): void;
}

export interface Change {
  readonly key: string;
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface Watch {
  /** No call of the sink happens after it. Idempotent. */
  close(): void;
}

export class CompactedError extends Error {
  override name = 'CompactedError';
  readonly compactedRevision: number;
  constructor(wanted: number, compactedRevision: number) {
    super(`Cannot read revision ${wanted}: everything up to ${compactedRevision} is compacted`);
    this.compactedRevision = compactedRevision;
  }
}

export class FutureRevisionError extends Error {
  override name = 'FutureRevisionError';
  readonly currentRevision: number;
  constructor(wanted: number, currentRevision: number) {
    super(`Cannot read revision ${wanted}: the newest is ${currentRevision}`);
    this.currentRevision = currentRevision;
  }
}

/** The first key after all keys that start with `prefix`. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
