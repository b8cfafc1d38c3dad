import type { Database, RootDatabase, Transaction as Snapshot } from 'lmdb';
import { Limits } from '../limits.ts';
import type { Change, KeyValue, Operation } from './backend.ts';
import { FIRST_REVISION, type History, type Revision } from './history.ts';
import { decodeRecord, encodeRecord, positionOf, revisionOf } from './lmdb-record.ts';

const FORMAT = 1;

/** Where a key's newest state is. */
interface Pointer {
  readonly position: number;
  /** 0: the key is deleted. */
  readonly createRevision: number;
}

/** Of a key that never was, or that is forgotten. */
const NOWHERE: Pointer = { position: 0, createRevision: 0 };

interface Unflushed extends Pointer {
  readonly state: Change;
}

/**
 * A log of all changes, a pointer into it for every key, and in every change a pointer to the
 * state before it. So a value is written once, a range at an older revision follows the pointers
 * back, and compaction removes the changes that no key needs any more.
 *
 * Operations are applied here, on top of those that are not flushed yet, and gathered while
 * LMDB's writer thread commits and flushes those before them. Only then they are handed to it, as
 * one transaction: so after a failure nothing is on disk that was built on what is not. The lock
 * on the directory makes this the only writer.
 */
export class LmdbLog implements History {
  /** The newest durable one. */
  revision: number;
  compacted: number;
  readonly #root: RootDatabase;
  readonly #changes: Database<Uint8Array, number>;
  readonly #newest: Database<Uint8Array, string>;
  readonly #counters: Database<number, string>;
  readonly #unflushed = new Map<string, Unflushed>();
  /** Of keys that were asked for or written last, as they are on disk. */
  readonly #recent = new Map<string, Pointer>();
  #lastRevision: number;
  #swept: number;
  #closing = false;
  #gathered: (() => Promise<boolean>)[] = [];
  /** The flush of what is gathered. */
  #nextFlush: Promise<void> | undefined;
  #lastFlush: Promise<void> = Promise.resolve();

  constructor(root: RootDatabase) {
    this.#root = root;
    this.#changes = root.openDB({ name: 'changes', encoding: 'binary' });
    this.#newest = root.openDB({ name: 'newest', encoding: 'binary' });
    this.#counters = root.openDB({ name: 'counters', encoding: 'ordered-binary' });
    this.#checkFormat();
    this.compacted = this.#counters.get('compacted') ?? 0;
    this.#swept = this.#counters.get('swept') ?? 0;
    const [last = 0] = this.#changes.getKeys({ reverse: true, limit: 1 });
    this.revision = Math.max(FIRST_REVISION, this.compacted, revisionOf(last));
    this.#lastRevision = this.revision;
  }

  /** The newest state, flushed or not. */
  get(key: string): KeyValue | undefined {
    const unflushed = this.#unflushed.get(key);
    const pointer = unflushed ?? this.#flushedPointer(key);
    if (pointer === undefined || pointer.createRevision === 0) return undefined;
    return existing(unflushed?.state ?? this.#record(pointer.position)?.change);
  }

  /** The same key's `modRevision`, 0 for none, without reading its value. */
  modRevision(key: string): number {
    const pointer = this.#pointer(key);
    if (pointer.createRevision === 0) return 0;
    return revisionOf(pointer.position);
  }

  /** The revision that the next operations belong after, flushed or not. */
  get lastRevision(): number {
    return this.#lastRevision;
  }

  /** Makes a revision of the operations. None, when they change nothing. */
  append(operations: readonly Operation[]): Revision | undefined {
    const revision = this.#lastRevision + 1;
    const changes: Change[] = [];
    for (const operation of operations) {
      const key = 'put' in operation ? operation.put : operation.delete;
      const value = 'put' in operation ? operation.value : undefined;
      const previous = this.#pointer(key);
      const found = previous.createRevision;
      if (value === undefined && found === 0) continue;
      const createRevision = value === undefined ? 0 : found || revision;
      const state = { key, value, createRevision, modRevision: revision };
      this.#write(positionOf(revision, changes.length), state, previous.position);
      changes.push(state);
    }
    if (changes.length === 0) return undefined;
    this.#lastRevision = revision;
    return { revision, changes };
  }

  /** Resolves when everything appended so far is on disk; rejects when it never will be. */
  flush(): Promise<void> {
    if (this.#gathered.length === 0) return this.#lastFlush;
    if (this.#nextFlush === undefined) {
      // All that this turn of the event loop still appends is gathered too.
      const turn = this.#lastFlush.then(() => new Promise<void>(resolve => setImmediate(resolve)));
      this.#nextFlush = turn.then(() => this.#writeGathered());
      this.#lastFlush = this.#nextFlush;
    }
    return this.#nextFlush;
  }

  /** To be called for every revision in turn, when it is flushed. */
  markDurable({ revision, changes }: Revision): void {
    for (const change of changes) {
      const unflushed = this.#unflushed.get(change.key);
      if (unflushed === undefined) continue;
      const { position, createRevision } = unflushed;
      if (unflushed.state === change) this.#unflushed.delete(change.key);
      this.#remember(change.key, { position, createRevision });
    }
    this.revision = revision;
    // Else a snapshot that was taken before the flush might still be read from.
    this.#root.resetReadTxn();
  }

  *scan(start: string, end: string, revision: number): Generator<KeyValue, void, undefined> {
    const transaction = this.#root.useReadTransaction();
    try {
      for (const { value } of this.#newest.getRange({ start, end, transaction })) {
        const item = this.#stateAt(decodePointer(value), revision, transaction);
        if (item !== undefined) yield item;
      }
    } finally {
      transaction.done();
    }
  }

  read(after: number, max: number): Revision[] {
    const revisions: { revision: number; changes: Change[] }[] = [];
    const start = positionOf(after + 1, 0);
    const end = positionOf(Math.min(this.revision, after + max) + 1, 0);
    for (const { key, value } of this.#changes.getRange({ start, end })) {
      const { change } = decodeRecord(key, value);
      const last = revisions[revisions.length - 1];
      if (last?.revision === change.modRevision) last.changes.push(change);
      else revisions.push({ revision: change.modRevision, changes: [change] });
    }
    return revisions;
  }

  /** Forgets, in slices, so that commits go on meanwhile. Not to be called while it runs. */
  async compact(revision: number): Promise<void> {
    this.compacted = revision;
    this.#gathered.push(() => this.#counters.put('compacted', revision));
    while (this.#swept < revision && !this.#closing) {
      this.#sweep(revision);
      await this.flush();
    }
  }

  /** A compaction stops; the next one goes on where it was. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#gathered.length > 0) await this.flush();
    await this.#lastFlush.catch(() => {});
    await this.#root.close();
  }

  #checkFormat(): void {
    const format = this.#counters.get('format');
    if (format === undefined) this.#counters.putSync('format', FORMAT);
    else if (format !== FORMAT) {
      throw new Error(`its format is ${format}, this version reads ${FORMAT}`);
    }
  }

  #pointer(key: string): Pointer {
    return this.#unflushed.get(key) ?? this.#recent.get(key) ?? this.#readPointer(key);
  }

  /** A write asks twice for what is at its key, and the next one to it often comes soon. */
  #readPointer(key: string): Pointer {
    const pointer = this.#flushedPointer(key) ?? NOWHERE;
    this.#remember(key, pointer);
    return pointer;
  }

  #remember(key: string, pointer: Pointer): void {
    this.#recent.delete(key);
    this.#recent.set(key, pointer);
    if (this.#recent.size <= Limits.recentPointersMax) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      return;
    }
  }

  #flushedPointer(key: string): Pointer | undefined {
    const bytes = this.#newest.getBinaryFast(key);
    return bytes === undefined ? undefined : decodePointer(bytes);
  }

  #record(position: number, transaction?: Snapshot) {
    const options = transaction === undefined ? undefined : { transaction };
    const bytes = this.#changes.get(position, options as never);
    return bytes === undefined ? undefined : decodeRecord(position, bytes);
  }

  #stateAt(
    { position, createRevision }: Pointer,
    revision: number,
    transaction: Snapshot,
  ): KeyValue | undefined {
    if (revisionOf(position) <= revision) {
      if (createRevision === 0) return undefined;
      return existing(this.#record(position, transaction)?.change);
    }
    let record = this.#record(position, transaction);
    while (record !== undefined && record.change.modRevision > revision) {
      record = this.#record(record.previous, transaction);
    }
    return existing(record?.change);
  }

  #write(position: number, state: Change, previous: number): void {
    const pointer = { position, createRevision: state.createRevision, state };
    this.#unflushed.set(state.key, pointer);
    const record = encodeRecord(state, previous);
    this.#gathered.push(
      () => this.#changes.put(position, record),
      () => this.#newest.put(state.key, encodePointer(pointer)),
    );
  }

  async #writeGathered(): Promise<void> {
    const writes = this.#gathered;
    this.#gathered = [];
    this.#nextFlush = undefined;
    // LMDB makes one transaction of what it is given in one turn of the event loop.
    let written: Promise<boolean> | undefined;
    for (const write of writes) {
      const promise = write();
      if (promise === written) continue;
      written = promise;
      promise.catch(() => {});
    }
    await written;
  }

  #sweep(revision: number): void {
    const range = {
      start: positionOf(this.#swept + 1, 0),
      end: positionOf(revision + 1, 0),
      limit: Limits.compactionSliceChanges,
    };
    let count = 0;
    let swept = revision;
    for (const { key: position, value } of this.#changes.getRange(range)) {
      const { change, previous } = decodeRecord(position, value);
      if (previous !== 0) this.#gathered.push(() => this.#changes.remove(previous));
      if (change.value === undefined) this.#removeDeletion(change.key, position);
      count++;
      // The slice may end within a revision, which is then swept again.
      if (count === range.limit) swept = change.modRevision - 1;
    }
    this.#swept = swept;
    this.#gathered.push(() => this.#counters.put('swept', swept));
  }

  #removeDeletion(key: string, position: number): void {
    if (this.#pointer(key).position !== position) return;
    this.#recent.delete(key);
    this.#gathered.push(() => this.#newest.remove(key));
    this.#gathered.push(() => this.#changes.remove(position));
  }
}

function existing(state: Change | undefined): KeyValue | undefined {
  return state?.value === undefined ? undefined : (state as KeyValue);
}

function encodePointer({ position, createRevision }: Pointer): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeDoubleBE(position, 0);
  bytes.writeDoubleBE(createRevision, 8);
  return bytes;
}

function decodePointer(bytes: Uint8Array): Pointer {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { position: view.getFloat64(0), createRevision: view.getFloat64(8) };
}
