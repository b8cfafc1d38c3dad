import { Duplex, Readable, type ReadableOptions, Writable } from 'node:stream';
import type { BrokerClient, BrokeredHandle } from './broker-client.ts';

/** What the kernel reads for a plugin. Credit goes back as the plugin reads. */
export class BrokeredReadable extends Readable {
  readonly #handle: () => BrokeredHandle;
  #unreadBytes = 0;

  constructor(handle: () => BrokeredHandle, options?: ReadableOptions) {
    super(options);
    this.#handle = handle;
  }

  receive(bytes: Uint8Array): void {
    this.#unreadBytes += bytes.length;
    // A copy: the frame holds others' bytes too.
    this.push(Buffer.from(bytes));
  }

  override _read(): void {
    if (this.#unreadBytes > 0) this.#handle().read(this.#unreadBytes);
    this.#unreadBytes = 0;
  }
}

export class BrokeredWritable extends Writable {
  readonly #handle: () => BrokeredHandle;

  constructor(handle: () => BrokeredHandle) {
    super();
    this.#handle = handle;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#handle().write(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.#handle().end();
    done();
  }
}

/** A connection that the kernel holds: as much of `net.Socket` as clients commonly use. */
export class BrokeredSocket extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number;
  connecting = true;
  readonly #handle: BrokeredHandle;
  #unreadBytes = 0;
  #ended = false;

  constructor(broker: BrokerClient, host: string, port: number) {
    super();
    this.remoteAddress = host;
    this.remotePort = port;
    this.#handle = broker.open(
      { type: 'connect', host, port },
      {
        opened: () => {
          this.connecting = false;
          this.emit('connect');
          this.emit('ready');
        },
        data: (_stream, bytes) => {
          this.#unreadBytes += bytes.length;
          this.push(Buffer.from(bytes));
        },
        end: () => {
          this.#ended = true;
          this.push(null);
        },
        closed: (_outcome, error) => {
          if (!error && this.#ended) return;
          this.destroy(error);
        },
      },
    );
  }

  override _read(): void {
    if (this.#unreadBytes > 0) this.#handle.read(this.#unreadBytes);
    this.#unreadBytes = 0;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#handle.write(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.#handle.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#handle.destroy();
    done(error);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
