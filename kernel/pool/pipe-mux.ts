import type { Duplex } from 'node:stream';
import type { Channel } from './channel.ts';
import { PoolLimits } from './limits.ts';

/**
 * Several channels over one pipe: before each frame, its length and its channel's number. The
 * other side is not believed: a length beyond the bound ends the pipe.
 */
export class PipeMux {
  readonly #pipe: Duplex;
  readonly #receivers = new Map<number, (frame: unknown) => void>();
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** Bytes that are needed before something can be read. */
  #wanted = PREFIX_BYTES;

  constructor(pipe: Duplex) {
    this.#pipe = pipe;
    pipe.on('data', (chunk: Uint8Array) => this.#take(chunk));
    // The other side may go at any time; whoever runs it is told by its exit.
    pipe.on('error', () => {});
  }

  channel(number: number): Channel {
    return {
      send: frame => this.#send(number, frame),
      receive: receiver => void this.#receivers.set(number, receiver),
      close: () => void this.#receivers.delete(number),
    };
  }

  #send(number: number, frame: ArrayBuffer): void {
    if (!this.#pipe.writable) return;
    const prefix = new Uint8Array(PREFIX_BYTES);
    const view = new DataView(prefix.buffer);
    view.setUint32(0, frame.byteLength, true);
    view.setUint32(4, number, true);
    this.#pipe.cork();
    this.#pipe.write(prefix);
    this.#pipe.write(new Uint8Array(frame));
    this.#pipe.uncork();
  }

  #take(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#wanted) return;
    let bytes = joined(this.#chunks, this.#size);
    while (bytes.length >= PREFIX_BYTES) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const length = view.getUint32(0, true);
      if (length > PoolLimits.pipeFrameBytesMax) {
        this.#pipe.destroy();
        return;
      }
      const end = PREFIX_BYTES + length;
      this.#wanted = end;
      if (bytes.length < end) break;
      // A copy, as a frame that came over a port is its receiver's own.
      const frame = new Uint8Array(bytes.subarray(PREFIX_BYTES, end));
      bytes = bytes.subarray(end);
      this.#wanted = PREFIX_BYTES;
      this.#receivers.get(view.getUint32(4, true))?.(frame.buffer);
    }
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#size = bytes.length;
  }
}

const PREFIX_BYTES = 8;

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first) return first;
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
