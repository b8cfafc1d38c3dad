import { type FileHandle, mkdir, open as openFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import type {
  Backend,
  CommitResult,
  KeyValue,
  RangeOptions,
  RangeResult,
  Transaction,
  Watch,
  WatchSink,
} from './backend.ts';
import { LockedError, lockDirectory } from './directory-lock.ts';
import { checkCompaction, checkTransactions, type Revision, readableRevision } from './history.ts';
import { LmdbLog } from './lmdb-log.ts';
import { WatchHub } from './watch-hub.ts';

export interface LmdbOptions {
  /** A directory; it is made when there is none. */
  readonly path: string;
}

/** A database in a directory of this machine, for one process at a time. */
export async function openLmdb({ path }: LmdbOptions): Promise<Backend> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const release = await lockDirectory(path);
    try {
      return new LmdbBackend(path, await openLog(path), release);
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    if (error instanceof LockedError) throw error;
    const { message } = error as Error;
    throw new Error(`Cannot open the database in ${path}: ${message}`, { cause: error });
  }
}

async function openLog(path: string): Promise<LmdbLog> {
  // Without overlappingSync LMDB flushes the pages, then writes the root of the new tree through
  // a file descriptor that is synchronous, and only then calls the transaction committed.
  await checkDataFile(join(path, 'data.mdb'));
  const root = open({ path, noSubdir: false, overlappingSync: false });
  try {
    return new LmdbLog(root);
  } catch (error) {
    await root.close();
    throw error;
  }
}

/**
 * LMDB maps the file and believes it; what is not as it must be would end the process. It may
 * leave out pages at the end that it gave up again: they are filled up, with zeros, so that a
 * page which the file has really lost is an error when it is read.
 */
async function checkDataFile(file: string): Promise<void> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size === 0) return;
  const handle = await openFile(file, 'r+');
  try {
    const first = await readMeta(handle, 0);
    const second = await readMeta(handle, first.pageSize);
    const lastPage = Math.max(first.lastPage, second.lastPage);
    const expected = (lastPage + 1) * first.pageSize;
    if (size < expected) await handle.truncate(expected);
  } finally {
    await handle.close();
  }
}

/** What LMDB's meta page at `position` says; there are two, for one transaction in turn. */
async function readMeta(handle: FileHandle, position: number) {
  const bytes = Buffer.alloc(160);
  await handle.read(bytes, 0, bytes.length, position);
  const pageSize = bytes.readUInt32LE(48);
  if (bytes.readUInt32LE(24) !== 0xbeefc0de || pageSize < 512 || pageSize > 65_536) {
    throw new Error('data.mdb is not a database');
  }
  return { pageSize, lastPage: Number(bytes.readBigUInt64LE(144)) };
}

class LmdbBackend implements Backend {
  readonly name = 'lmdb';
  readonly #path: string;
  readonly #log: LmdbLog;
  readonly #hub: WatchHub;
  readonly #release: () => Promise<void>;
  readonly #unflushed: Revision[] = [];
  #compaction: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, log: LmdbLog, release: () => Promise<void>) {
    this.#path = path;
    this.#log = log;
    this.#hub = new WatchHub(log);
    this.#release = release;
  }

  async commit(transactions: readonly Transaction[]): Promise<CommitResult[]> {
    this.#checkOpen();
    checkTransactions(transactions);
    const results = transactions.map(transaction => this.#apply(transaction));
    const last = this.#log.lastRevision;
    // Also when nothing was written: a failed comparison shows what others are still writing.
    await this.#flushed();
    this.#settle(last);
    return results;
  }

  async range(start: string, end: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.#checkOpen();
    const revision = readableRevision(options.revision, this.#log);
    const limit = options.limit || Number.POSITIVE_INFINITY;
    const items: KeyValue[] = [];
    for (const item of this.#log.scan(start, end, revision)) {
      if (items.length === limit) return { items, revision, more: true };
      items.push(item);
    }
    return { items, revision, more: false };
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#log.revision;
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    this.#checkOpen();
    return this.#hub.add(prefix, after, sink);
  }

  async compact(revision: number): Promise<void> {
    const compaction = this.#compaction.then(async () => {
      this.#checkOpen();
      checkCompaction(revision, this.#log);
      await this.#log.compact(revision);
    });
    this.#compaction = compaction.catch(() => {});
    await compaction;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#log.flush().catch(() => {});
    await this.#compaction;
    this.#hub.close();
    await this.#log.close();
    await this.#release();
  }

  #apply({ compare, operations }: Transaction): CommitResult {
    const log = this.#log;
    if (!compare.every(({ key, modRevision }) => log.modRevision(key) === modRevision)) {
      return { ok: false, found: compare.map(({ key }) => log.get(key)) };
    }
    const revision = log.append(operations);
    if (revision !== undefined) this.#unflushed.push(revision);
    return { ok: true, revision: log.lastRevision };
  }

  async #flushed(): Promise<void> {
    try {
      await this.#log.flush();
    } catch (error) {
      throw await this.#fail(error as Error);
    }
  }

  /** LMDB commits in order: what is before a flushed revision is flushed too. */
  #settle(last: number): void {
    let count = 0;
    for (const revision of this.#unflushed) {
      if (revision.revision > last) break;
      this.#log.markDurable(revision);
      this.#hub.publish(revision);
      count++;
    }
    if (count > 0) this.#unflushed.splice(0, count);
  }

  /** What later writes were built on is not on disk: nothing can be written any more. */
  async #fail(error: Error & { commitError?: Promise<never> }): Promise<Error> {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = new Error(`Cannot write to the database in ${this.#path}`, { cause: error });
    const failure = this.#failure;
    await error.commitError?.catch((reason: Error) => {
      failure.message += `: ${reason.message}`;
    });
    this.#hub.fail(failure);
    return failure;
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) {
      throw new Error(`Cannot use the database in ${this.#path}: it is closed`);
    }
  }
}
