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

/** A state of a key, possibly that it is deleted. */
interface Version {
  readonly state: Change;
  /** Undefined: there was none, or it is compacted. */
  previous: Version | undefined;
}

interface LogEntry extends Revision {
  readonly versions: readonly Version[];
}

class MemoryBackend implements Backend {
  readonly name = 'memory';
  readonly #history = new MemoryHistory();
  readonly #hub = new WatchHub(this.#history);
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
    const entry = history.append(operations);
    if (entry !== undefined) this.#hub.publish(entry);
    return { ok: true, revision: history.revision };
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
  readonly #log: LogEntry[] = [];
  #logAfter = FIRST_REVISION;

  get(key: string): KeyValue | undefined {
    return existing(this.#newest.get(key)?.state);
  }

  *scan(start: string, end: string, revision: number): Generator<KeyValue, void, undefined> {
    for (const key of this.#keys.between(start, end)) {
      let version = this.#newest.get(key);
      while (version !== undefined && version.state.modRevision > revision) {
        version = version.previous;
      }
      const item = existing(version?.state);
      if (item !== undefined) yield item;
    }
  }

  read(after: number, max: number): Revision[] {
    const from = Math.max(0, after - this.#logAfter);
    return this.#log.slice(from, from + max);
  }

  /** Makes a revision of the operations. None, when they change nothing. */
  append(operations: readonly Operation[]): Revision | undefined {
    const revision = this.revision + 1;
    const versions: Version[] = [];
    for (const operation of operations) {
      const key = 'put' in operation ? operation.put : operation.delete;
      const previous = this.#newest.get(key);
      const state = nextState(operation, key, existing(previous?.state), revision);
      if (state === undefined) continue;
      const version = { state, previous };
      if (previous === undefined) this.#keys.add(key);
      this.#newest.set(key, version);
      versions.push(version);
    }
    if (versions.length === 0) return undefined;
    const entry = { revision, changes: versions.map(version => version.state), versions };
    this.#log.push(entry);
    this.revision = revision;
    return entry;
  }

  compact(revision: number): void {
    const dropped = this.#log.splice(0, Math.max(0, revision - this.#logAfter));
    for (const version of dropped.flatMap(entry => entry.versions)) {
      version.previous = undefined;
      const { key, value } = version.state;
      if (value !== undefined || this.#newest.get(key) !== version) continue;
      this.#newest.delete(key);
      this.#keys.delete(key);
    }
    this.#logAfter = Math.max(this.#logAfter, revision);
    this.compacted = revision;
  }
}

function existing(state: Change | undefined): KeyValue | undefined {
  return state?.value === undefined ? undefined : (state as KeyValue);
}

/** Undefined: nothing changes. */
function nextState(
  operation: Operation,
  key: string,
  found: KeyValue | undefined,
  revision: number,
): Change | undefined {
  if ('put' in operation) {
    const createRevision = found?.createRevision ?? revision;
    return { key, value: operation.value, createRevision, modRevision: revision };
  }
  if (found === undefined) return undefined;
  return { key, value: undefined, createRevision: 0, modRevision: revision };
}
