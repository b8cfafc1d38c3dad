/** Half of it is the cost of one insertion: a move of that many pointers. */
const CHUNK_MAX = 1_024;

/**
 * A sorted set of keys. It is a list of sorted chunks, so that an insertion moves at most one
 * chunk's worth of pointers however many keys there are, and a scan is a walk over arrays.
 */
export class SortedKeys {
  readonly #chunks: string[][] = [];

  /** The key must not be in the set. */
  add(key: string): void {
    const chunks = this.#chunks;
    const at = Math.max(0, this.#chunkOf(key));
    const chunk = chunks[at];
    if (chunk === undefined) {
      chunks.push([key]);
      return;
    }
    chunk.splice(lowerBound(chunk, key), 0, key);
    if (chunk.length <= CHUNK_MAX) return;
    // Keys that only grow leave full chunks behind, others leave room on both sides.
    const appended = at === chunks.length - 1 && chunk[chunk.length - 1] === key;
    chunks.splice(at + 1, 0, chunk.splice(appended ? CHUNK_MAX : CHUNK_MAX / 2));
  }

  delete(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const index = lowerBound(chunk, key);
    if (chunk[index] !== key) return;
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** The keys from `start` (inclusive) to `end` (exclusive). The set must not change meanwhile. */
  *between(start: string, end: string): Generator<string, void, undefined> {
    const chunks = this.#chunks;
    for (let at = Math.max(0, this.#chunkOf(start)); at < chunks.length; at++) {
      const chunk = chunks[at] ?? [];
      const first = chunk[0] ?? '';
      for (let i = first < start ? lowerBound(chunk, start) : 0; i < chunk.length; i++) {
        const key = chunk[i] ?? '';
        if (key >= end) return;
        yield key;
      }
    }
  }

  /** The last chunk whose first key is not above `key`; -1 when there is none. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.[0] ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
