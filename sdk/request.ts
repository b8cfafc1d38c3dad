/**
 * One request to the door: what an HTTP client's call, a plugin's call and a batch's entry all
 * become. Plain data; the requester's identity is never part of it.
 */
export interface ObjectRequest {
  readonly verb: Exclude<Verb, 'watch'>;
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** The object, the patch, or the DeleteOptions, as plain data. */
  readonly body?: unknown;
  /** Which patch the body of a `patch` is. */
  readonly patchType?: PatchType;
  /** What the body's text says twice, as it is told: reported like unknown fields. */
  readonly duplicates?: readonly string[];
  readonly options?: RequestOptions;
  /** What must still be so when a write is committed. */
  readonly fence?: Fence;
}

/**
 * Another object, by which a write is fenced: the write's own transaction compares its revision, so
 * that nothing is written once it says something else; the answer is then a Conflict. It is how
 * writes of an elected plugin carry the lease that it acts under (see `Leadership`).
 *
 * The object may change otherwise (a lease is renewed all the time): of a newer revision than
 * `resourceVersion` only `uid` and `fields` must be the same. The requester needs the right to get
 * the object. What somebody else than the store does about a request (a subresource's handler, a
 * kind that is not stored) is looked at before it begins.
 */
export interface Fence {
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  /** Of the newest state that the requester has seen. */
  readonly resourceVersion: string;
  /** What is at these paths as it is stored: `spec.holderIdentity`. */
  readonly fields: Readonly<Record<string, string | number>>;
}

export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection';

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

/** Query parameters; each as in the Kubernetes API. */
export interface RequestOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  readonly force?: boolean;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Of custom metrics: chooses by the metric's own labels. */
  readonly metricLabelSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly limit?: number;
  readonly continue?: string;
}

/** What to watch: a list of what is there, then every change, with nothing between lost. */
export interface WatchRequest {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
  /** Watch one object only. */
  readonly name?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * Only these, and metadata without managedFields, are of use (see `InformerOptions.fields`):
   * the rest need not be sent. An empty list: metadata alone.
   */
  readonly fields?: readonly string[];
  /**
   * Absent: what exists now comes first, as ADDED events, closed by a BOOKMARK.
   * Given: only changes after it.
   */
  readonly resourceVersion?: string;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

/** A BOOKMARK's object has only its kind and `metadata.resourceVersion`. */
export interface WatchEvent<T> {
  readonly type: WatchEventType;
  readonly object: T;
}

/** Who asks, as the authenticator found it. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
