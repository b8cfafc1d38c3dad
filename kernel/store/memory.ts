import type {
  Backend,
  Change,
  CommitResult,
  KeyValue,
  Operation,
  RangeOptions,
  RangeResult,
  Transaction,
  Watch,
  WatchSink,
} from './backend.ts';
import {
  checkCompaction,
  checkTransactions,
  FIRST_REVISION,
  type History,
  type Revision,
  readableRevision,
} from './history.ts';
import { SortedKeys } from './sorted-keys.ts';
import { WatchHub } from './watch-hub.ts';

/** A database that lives as long as the process: for tests, simulations and embedding. */
export function memoryBackend(): Backend {
  return new MemoryBackend();
}

/** A state of a key. A deletion is a version without value. */
interface Version extends Change {
  /** Undefined: there was none, or it is compacted. */
  previous: Version | undefined;
}

class MemoryBackend implements Backend {
  readonly name = 'memory';
  readonly #history = new MemoryHistory();
  readonly #hub = new WatchHub(this.#history);
  #unpublished: Revision[] = [];
  #closed = false;

  async commit(transactions: readonly Transaction[]): Promise<CommitResult[]> {
    this.#checkOpen();
    checkTransactions(transactions);
    return transactions.map(transaction => this.#apply(transaction));
  }

  async range(start: string, end: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.#checkOpen();
    const revision = readableRevision(options.revision, this.#history);
    const limit = options.limit || Number.POSITIVE_INFINITY;
    const items: KeyValue[] = [];
    for (const item of this.#history.scan(start, end, revision)) {
      if (items.length === limit) return { items, revision, more: true };
      items.push(item);
    }
    return { items, revision, more: false };
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#history.revision;
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    this.#checkOpen();
    return this.#hub.add(prefix, after, sink);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    checkCompaction(revision, this.#history);
    this.#history.compact(revision);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hub.close();
  }

  #apply({ compare, operations }: Transaction): CommitResult {
    const history = this.#history;
    const holds = compare.every(({ key, modRevision }) => {
      return (history.get(key)?.modRevision ?? 0) === modRevision;
    });
    if (!holds) return { ok: false, found: compare.map(({ key }) => history.get(key)) };
    const changes = history.append(operations);
    if (changes.length > 0) this.#publish({ revision: history.revision, changes });
    return { ok: true, revision: history.revision };
  }

  /** Not at once, because the sinks may commit; but before the committer goes on. */
  #publish(revision: Revision): void {
    if (this.#unpublished.push(revision) > 1) return;
    queueMicrotask(() => {
      const revisions = this.#unpublished;
      this.#unpublished = [];
      this.#hub.publish(revisions);
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('Cannot use the memory backend: it is closed');
  }
}

/** Every key's versions, newest first, and the log of them in revision order. */
class MemoryHistory implements History {
  revision = FIRST_REVISION;
  compacted = 0;
  /** Deletions stay until they are compacted. */
  readonly #newest = new Map<string, Version>();
  readonly #keys = new SortedKeys();
  /** One element a revision, from the one after `#logAfter`. */
  #log: Version[][] = [];
  #logAfter = FIRST_REVISION;

  get(key: string): KeyValue | undefined {
    return existing(this.#newest.get(key));
  }

  *scan(start: string, end: string, revision: number): Generator<KeyValue, void, undefined> {
    for (const key of this.#keys.between(start, end)) {
      let version = this.#newest.get(key);
      while (version !== undefined && version.modRevision > revision) version = version.previous;
      const item = existing(version);
      if (item !== undefined) yield item;
    }
  }

  read(after: number, max: number): Revision[] {
    const from = Math.max(0, after - this.#logAfter);
    return this.#log.slice(from, from + max).map((changes, index) => {
      return { revision: this.#logAfter + from + index + 1, changes };
    });
  }

  /** Makes a revision of the operations. None, when they change nothing. */
  append(operations: readonly Operation[]): readonly Change[] {
    const modRevision = this.revision + 1;
    const versions: Version[] = [];
    for (const operation of operations) {
      const key = 'put' in operation ? operation.put : operation.delete;
      const value = 'put' in operation ? operation.value : undefined;
      const previous = this.#newest.get(key);
      const existed = previous?.value !== undefined;
      if (value === undefined && !existed) continue;
      const created = existed ? previous.createRevision : modRevision;
      const createRevision = value === undefined ? 0 : created;
      const version = { key, value, createRevision, modRevision, previous };
      if (previous === undefined) this.#keys.add(key);
      this.#newest.set(key, version);
      versions.push(version);
    }
    if (versions.length === 0) return versions;
    this.#log.push(versions);
    this.revision = modRevision;
    return versions;
  }

  compact(revision: number): void {
    const dropped = this.#log.splice(0, Math.max(0, revision - this.#logAfter));
    for (const version of dropped.flat()) {
      version.previous = undefined;
      if (version.value !== undefined || this.#newest.get(version.key) !== version) continue;
      this.#newest.delete(version.key);
      this.#keys.delete(version.key);
    }
    this.#logAfter = Math.max(this.#logAfter, revision);
    this.compacted = revision;
  }
}

/** The same object for every reader: versions are never changed but for what is before them. */
function existing(version: Version | undefined): KeyValue | undefined {
  if (version?.value === undefined) return undefined;
  return version as Version & KeyValue;
}
