import type { Kind, KubeObject, ObjectKey } from './kind.ts';
import type {
  ObjectRequest,
  PatchType,
  RequestOptions,
  WatchEvent,
  WatchRequest,
} from './request.ts';

/**
 * Reads and writes objects at the door, as the user `system:plugin:<name>`. Everything rejects
 * with an `ApiError`. What is returned is the caller's own only after a clone: objects may be
 * shared with the store and are frozen under test.
 */
export interface ObjectClient {
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Compare-and-swap when the object carries a resourceVersion. */
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: unknown,
    options?: PatchOptions,
  ): Promise<T>;
  delete<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    options?: DeleteOptions,
  ): Promise<void>;
  /**
   * Many requests in one message and one group commit, each checked and answered by itself, in
   * order. Never rejects for one of them: look at each result.
   */
  batch(requests: readonly ObjectRequest[]): Promise<BatchResult[]>;
  /** Any request, for subresources and kinds known only at run time. */
  request<T = unknown>(request: ObjectRequest): Promise<T>;
  /** List and watch in one, without a gap. See `WatchRequest`. */
  watch<T extends KubeObject>(request: WatchRequest, sink: ObjectWatchSink<T>): () => void;
}

export interface ListOptions extends RequestOptions {
  readonly namespace?: string;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly subresource?: string;
}

export interface PatchOptions extends WriteOptions {
  /** Default: `application/merge-patch+json`. */
  readonly type?: PatchType;
  readonly force?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export type BatchResult =
  | { readonly ok: true; readonly object: unknown }
  | { readonly ok: false; readonly error: import('./status.ts').ApiError };

export interface ObjectWatchSink<T> {
  /** In order, nothing twice. Several events of one moment come together. */
  onEvents(events: readonly WatchEvent<T>[]): void;
  /** The watch ended and must be started anew; `Expired` means from a new list. */
  onEnd(error: Error): void;
}
