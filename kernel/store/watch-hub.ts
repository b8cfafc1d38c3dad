import { Limits } from '../limits.ts';
import { type Change, CompactedError, type Watch, type WatchSink } from './backend.ts';
import type { History, Revision } from './history.ts';

/**
 * The watches of a database in this process. A watch first reads the history in slices, with the
 * event loop free between them, and once it has caught up gets what is published.
 */
export class WatchHub {
  readonly #history: History;
  readonly #watchers = new Set<Watcher>();
  #unpublished: Revision[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  add(prefix: string, after: number, sink: WatchSink): Watch {
    const watcher = new Watcher(prefix, after, sink);
    this.#watchers.add(watcher);
    queueMicrotask(() => this.#replay(watcher));
    return { close: () => this.#remove(watcher) };
  }

  /**
   * Delivers a revision that the history has: after the running code, because sinks may commit,
   * but before a promise that is resolved after this call. To be called in revision order.
   */
  publish(revision: Revision): void {
    if (this.#unpublished.push(revision) > 1) return;
    queueMicrotask(() => {
      const revisions = this.#unpublished;
      this.#unpublished = [];
      for (const watcher of this.#watchers) {
        if (watcher.live) this.#deliver(watcher, revisions);
      }
    });
  }

  /** Ends every watch with the database's failure. */
  fail(reason: Error): void {
    for (const watcher of this.#watchers) this.#end(watcher, reason);
  }

  close(): void {
    for (const watcher of this.#watchers) this.#remove(watcher);
  }

  #replay(watcher: Watcher): void {
    if (watcher.closed) return;
    const { compacted, revision } = this.#history;
    if (watcher.delivered < compacted) {
      this.#end(watcher, new CompactedError(watcher.delivered, compacted));
      return;
    }
    const slice = this.#read(watcher);
    if (slice === undefined) return;
    const last = slice[slice.length - 1]?.revision ?? revision;
    watcher.live = last >= revision;
    this.#deliver(watcher, slice, last);
    if (!watcher.live && !watcher.closed) setImmediate(() => this.#replay(watcher));
  }

  #read(watcher: Watcher): Revision[] | undefined {
    try {
      return this.#history.read(watcher.delivered, Limits.watchReplayRevisions);
    } catch (error) {
      this.#end(watcher, error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  #deliver(watcher: Watcher, revisions: readonly Revision[], last = newest(revisions)): void {
    try {
      watcher.deliver(revisions, last);
    } catch (error) {
      // The sink has lost a change, so it cannot go on; the others can.
      this.#end(watcher, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(watcher: Watcher, reason: Error): void {
    if (watcher.closed) return;
    this.#remove(watcher);
    watcher.sink.onEnd(reason);
  }

  #remove(watcher: Watcher): void {
    watcher.closed = true;
    this.#watchers.delete(watcher);
  }
}

class Watcher {
  readonly sink: WatchSink;
  /** Everything up to this revision has been delivered. */
  delivered: number;
  live = false;
  closed = false;
  readonly #prefix: string;
  #started = false;

  constructor(prefix: string, after: number, sink: WatchSink) {
    this.#prefix = prefix;
    this.delivered = after;
    this.sink = sink;
  }

  deliver(revisions: readonly Revision[], last: number): void {
    for (const { revision, changes } of revisions) {
      if (this.closed) return;
      if (revision <= this.delivered) continue;
      const own = this.#select(changes);
      if (own.length > 0) this.#hand(revision, own);
    }
    if (this.closed || last < this.delivered) return;
    // An empty batch tells the sink that nothing else happened up to here.
    if (last > this.delivered || !this.#started) this.#hand(last, []);
  }

  #hand(revision: number, changes: readonly Change[]): void {
    this.#started = true;
    this.delivered = revision;
    this.sink.onChanges(revision, changes);
  }

  #select(changes: readonly Change[]): readonly Change[] {
    const matches = (change: Change) => change.key.startsWith(this.#prefix);
    return changes.every(matches) ? changes : changes.filter(matches);
  }
}

function newest(revisions: readonly Revision[]): number {
  return revisions[revisions.length - 1]?.revision ?? 0;
}
