import { Limits } from '../limits.ts';
import type { Change } from './backend.ts';

/**
 * What LMDB stores of one change, under its position: create revision, position of the key's
 * state before it (0: none), length of the key, key, value. A create revision of 0 is a deletion.
 */
export interface LogRecord {
  readonly change: Change;
  readonly previous: number;
}

/** Part of the format on disk; a revision has room for more changes than are allowed now. */
const POSITIONS_PER_REVISION = 1_024;
const HEADER_BYTES = 18;

if (Limits.transactionOperationsMax > POSITIONS_PER_REVISION) {
  throw new RangeError('A transaction may have more changes than a revision has positions');
}

/** Where a revision's changes are in the log, from `index` 0. Positions order like revisions. */
export function positionOf(revision: number, index: number): number {
  return revision * POSITIONS_PER_REVISION + index;
}

export function revisionOf(position: number): number {
  return Math.floor(position / POSITIONS_PER_REVISION);
}

export function encodeRecord({ key, value, createRevision }: Change, previous: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + key.length + (value?.length ?? 0));
  bytes.writeDoubleBE(createRevision, 0);
  bytes.writeDoubleBE(previous, 8);
  bytes.writeUInt16BE(key.length, 16);
  bytes.write(key, HEADER_BYTES, 'latin1');
  if (value !== undefined) bytes.set(value, HEADER_BYTES + key.length);
  return bytes;
}

export function decodeRecord(position: number, stored: Uint8Array): LogRecord {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  const createRevision = bytes.readDoubleBE(0);
  const keyEnd = HEADER_BYTES + bytes.readUInt16BE(16);
  if (keyEnd === HEADER_BYTES) throw new Error(`Cannot read change ${position}: it is damaged`);
  const key = bytes.toString('latin1', HEADER_BYTES, keyEnd);
  const value = createRevision === 0 ? undefined : bytes.subarray(keyEnd);
  const modRevision = revisionOf(position);
  return { change: { key, value, createRevision, modRevision }, previous: bytes.readDoubleBE(8) };
}
