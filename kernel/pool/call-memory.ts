import type { Channel } from './channel.ts';
import { PoolLimits } from './limits.ts';
import { createSharedBuffer, isSharedPart, type SharedPart } from './shared-mailbox.ts';
import { BadMessage } from './wire-check.ts';

/** Who can be called through shared memory, on the kernel's side. */
export interface SharingCallee {
  /** Gives the callee's thread the memory, and the number that it knows it by. */
  readonly share: ((buffer: SharedArrayBuffer) => number) | undefined;
  unshare(memory: number): void;
}

/**
 * The memory that one plugin shares with those that it calls: made when a first long call comes,
 * if both are threads of this process, and taken back with either of them.
 */
export class CallMemory<T extends SharingCallee> {
  readonly #channel: Channel;
  readonly #pairs = new Map<T, { readonly caller: number; readonly callee: number }>();
  #last = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** By which number the caller knows it; 0: there is none. */
  numberFor(callee: T): number {
    return this.#pairs.get(callee)?.caller ?? 0;
  }

  /** A long call went by message: the next ones need not. */
  open(ref: number, callee: T): void {
    if (!this.#channel.share || !callee.share || this.#pairs.has(callee)) return;
    if (this.#pairs.size >= PoolLimits.callMemoriesMax) return;
    const buffer = createSharedBuffer();
    this.#last++;
    const memory = this.#last;
    this.#pairs.set(callee, { caller: memory, callee: callee.share(buffer) });
    this.#channel.share({ memory, ref, buffer });
  }

  /** What the caller said, in the callee's numbers. */
  partFor(callee: T, part: SharedPart): SharedPart & { readonly memory: number } {
    const pair = this.#pairs.get(callee);
    if (!pair || !isSharedPart(part)) throw new BadMessage('Cannot call: no memory is shared so');
    return { ...part, memory: pair.callee };
  }

  /** Only these can still be called. */
  keep(callees: ReadonlySet<unknown>): void {
    for (const [callee, pair] of this.#pairs) {
      if (callees.has(callee)) continue;
      this.#pairs.delete(callee);
      callee.unshare(pair.callee);
    }
  }
}
