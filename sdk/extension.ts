/**
 * How several contributions to one extension point become one answer:
 * - `unique`: one per name; a second of the same name is refused.
 * - `first-claim`: asked in profile order until one answers.
 * - `pipeline`: each works on what the one before left.
 * - `all-must-pass`: one refusal refuses.
 * - `weighted-sum`: numbers, times the weight that the profile gives.
 * - `independent`: they do not know each other.
 */
export type Combine =
  | 'unique'
  | 'first-claim'
  | 'pipeline'
  | 'all-must-pass'
  | 'weighted-sum'
  | 'independent';

/**
 * A place where plugins add something. `T` is what they add: plain data and functions.
 * `T`'s functions may be called from another thread only if they are named in `methods`; their
 * arguments and results are then copied (structured clone) and their results are promises.
 */
export interface ExtensionPoint<T> {
  /** `kind`, `admission`, `scheduler.score` */
  readonly name: string;
  readonly combine: Combine;
  /** The functions of `T` that work across threads. Empty: contributors must share the thread. */
  readonly methods: readonly (keyof T & string)[];
}

/** One thing that a plugin added. */
export interface Contribution<T> {
  /** Unique at its point: `<plugin>` or `<plugin>/<name>`. */
  readonly name: string;
  /** The plugin that added it. */
  readonly plugin: string;
  /**
   * In the same thread, what was provided. From another thread: its plain data, and the methods
   * that the point names, each giving a promise, which rejects when the plugin throws or dies.
   */
  readonly value: T;
  readonly remote: boolean;
}

/** The contributions of one point, in profile order, as they come and go. */
export interface Contributions<T> {
  list(): readonly Contribution<T>[];
  /** Called after every change, until disposed. Not called for what is there already. */
  onChange(callback: () => void): Disposer;
}

/** Undoes what gave it. Idempotent. */
export type Disposer = () => void | Promise<void>;

export function definePoint<T>(point: ExtensionPoint<T>): ExtensionPoint<T> {
  return Object.freeze(point);
}
