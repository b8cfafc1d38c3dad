/**
 * Memory that two worker threads share for the long arguments and results of calls from one to the
 * other, so that the kernel's thread passes on a message of some bytes instead of megabytes. The
 * kernel makes it, on the first long call, and gives it to these two and nobody else.
 *
 * It has slots, each for one call at a time: the caller writes arguments, the callee an answer. Who
 * shares memory can write into it at any moment, so nothing is ever read in place: what is taken is
 * copied first, and the copy is decoded as anything from another thread is. A hostile partner spoils
 * his own call by it, and no more. Both parts of a slot begin with the number of their call, so a
 * partner who is late does not read, or leave, what belongs to another call.
 */
export interface SharedPart {
  readonly slot: number;
  /** Of the call. */
  readonly sequence: number;
  /** Bytes. */
  readonly length: number;
}

/** As it is given to a thread, on the plugin's line. */
export interface SharedMemory {
  readonly memory: number;
  /** To the caller: for calls of this contribution. 0 to the callee. */
  readonly ref: number;
  readonly buffer: SharedArrayBuffer;
}

/** Enough for one call that is answered and one that waits; more go by message. */
const SLOT_COUNT = 2;
/** Pages that nobody writes to are none. */
const PART_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 8;

export function createSharedBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * SLOT_COUNT * PART_BYTES);
}

export class CallerMailbox {
  readonly #buffer: SharedArrayBuffer;
  readonly #free = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);
  #sequence = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
  }

  /** Undefined: there is no room now. `release` the slot when the call has ended. */
  put(args: Uint8Array): SharedPart | undefined {
    if (!fits(args.length)) return undefined;
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    const part = { slot, sequence: ++this.#sequence, length: args.length };
    write(this.#buffer, argsOffset(slot), part.sequence, args);
    return part;
  }

  takeAnswer({ slot, sequence }: SharedPart, length: number): Uint8Array {
    return read(this.#buffer, answerOffset(slot), sequence, length);
  }

  release({ slot }: SharedPart): void {
    this.#free.push(slot);
  }
}

export class CalleeMailbox {
  readonly #buffer: SharedArrayBuffer;

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer;
  }

  takeArgs({ slot, sequence, length }: SharedPart): Uint8Array {
    return read(this.#buffer, argsOffset(slot), sequence, length);
  }

  /** False: it is too long. */
  putAnswer({ slot, sequence }: SharedPart, answer: Uint8Array): boolean {
    if (!fits(answer.length)) return false;
    write(this.#buffer, answerOffset(slot), sequence, answer);
    return true;
  }
}

/** Whether it can be a part of a mailbox at all. */
export function isSharedPart({ slot, length }: SharedPart): boolean {
  return slot < SLOT_COUNT && fits(length);
}

function fits(length: number): boolean {
  return length <= PART_BYTES - HEADER_BYTES;
}

function argsOffset(slot: number): number {
  return 2 * slot * PART_BYTES;
}

function answerOffset(slot: number): number {
  return (2 * slot + 1) * PART_BYTES;
}

function write(
  buffer: SharedArrayBuffer,
  offset: number,
  sequence: number,
  bytes: Uint8Array,
): void {
  new DataView(buffer).setFloat64(offset, sequence);
  new Uint8Array(buffer, offset + HEADER_BYTES, bytes.length).set(bytes);
}

/** A copy: it cannot change any more while it is decoded. */
function read(
  buffer: SharedArrayBuffer,
  offset: number,
  sequence: number,
  length: number,
): Uint8Array {
  if (!fits(length)) throw new Error(`Cannot read shared memory: ${length} bytes are too many`);
  const bytes = new Uint8Array(length);
  bytes.set(new Uint8Array(buffer, offset + HEADER_BYTES, length));
  // After the copy: a call that took the slot meanwhile has written its number first.
  const found = new DataView(buffer).getFloat64(offset);
  if (found === sequence) return bytes;
  throw new Error(`Cannot read shared memory: call ${found} is there, want ${sequence}`);
}
