import { Limits } from '../limits.ts';
import { type Change, CompactedError, FutureRevisionError, type Transaction } from './backend.ts';

/** The revision of an empty database, as in etcd: 0 has a meaning of its own in requests. */
export const FIRST_REVISION = 1;

/** What one transaction changed. */
export interface Revision {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** The durable past of a database in this process. No revision is without changes. */
export interface History {
  readonly revision: number;
  readonly compacted: number;
  /** The revisions after `after`, oldest first, at most `max`. */
  read(after: number, max: number): Revision[];
}

/** The revision that a range is to be read at. */
export function readableRevision(wanted: number | undefined, history: History): number {
  if (wanted === undefined || wanted === 0) return history.revision;
  if (wanted > history.revision) throw new FutureRevisionError(wanted, history.revision);
  if (wanted < history.compacted) throw new CompactedError(wanted, history.compacted);
  return wanted;
}

/** What `compact` may forget: not what is forgotten already, and not the future. */
export function checkCompaction(revision: number, history: History): void {
  if (revision > history.revision) throw new FutureRevisionError(revision, history.revision);
  if (revision <= history.compacted) throw new CompactedError(revision, history.compacted);
}

/** Refuses what etcd or LMDB would refuse, so that every backend has the same bounds. */
export function checkTransactions(transactions: readonly Transaction[]): void {
  for (const { compare, operations } of transactions) {
    const size = Math.max(compare.length, operations.length);
    if (size > Limits.transactionOperationsMax) {
      throw new RangeError(
        `Cannot commit ${size} operations at once: at most ${Limits.transactionOperationsMax}`,
      );
    }
    for (const operation of operations) {
      const key = 'put' in operation ? operation.put : operation.delete;
      if (key.length > 0 && key.length <= Limits.keyLengthMax) continue;
      throw new RangeError(
        `Cannot commit a key of ${key.length} characters: 1 to ${Limits.keyLengthMax}`,
      );
    }
  }
}
