import type { Channel } from './channel.ts';
import { PoolLimits } from './limits.ts';
import {
  type BrokeredHead,
  type BrokeredOutcome,
  type BrokeredResource,
  type BrokerReply,
  type BrokerRequest,
  decodeFrame,
  Outbox,
} from './wire.ts';
import { fromWireError } from './wire-error.ts';

export interface BrokeredHandlers {
  opened(head: BrokeredHead): void;
  data(stream: 1 | 2, bytes: Uint8Array): void;
  end(stream: 1 | 2): void;
  closed(outcome: BrokeredOutcome, error: Error | undefined): void;
}

export interface BrokeredHandle {
  write(bytes: Uint8Array): void;
  end(): void;
  /** So many bytes were used: as many more may come. */
  read(size: number): void;
  destroy(): void;
}

/** The host's end of the broker's channel. */
export class BrokerClient {
  readonly #outbox: Outbox<BrokerRequest>;
  readonly #open = new Map<number, BrokeredHandlers>();
  #idLast = 0;

  constructor(channel: Channel) {
    this.#outbox = new Outbox(frame => channel.send(frame), PoolLimits.frameBytesMax);
    channel.receive(frame => {
      const { messages, payload } = decodeFrame(frame as ArrayBuffer);
      for (const message of messages as BrokerReply[]) {
        const bytes = message.type === 'data' ? payload.take(message.bytes) : NO_BYTES;
        this.#take(message, bytes);
      }
    });
  }

  open(resource: BrokeredResource, handlers: BrokeredHandlers): BrokeredHandle {
    const id = ++this.#idLast;
    this.#outbox.push({ type: 'open', id, resource });
    this.#open.set(id, handlers);
    return {
      write: bytes => {
        for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
          const chunk = new Uint8Array(bytes.subarray(at, at + CHUNK_BYTES));
          this.#outbox.push({ type: 'data', id, bytes: chunk.length }, chunk);
        }
      },
      end: () => this.#outbox.push({ type: 'end', id }),
      read: size => this.#outbox.push({ type: 'read', id, size }),
      destroy: () => {
        if (this.#open.delete(id)) this.#outbox.push({ type: 'destroy', id });
      },
    };
  }

  #take(message: BrokerReply, bytes: Uint8Array): void {
    const handlers = this.#open.get(message.id);
    switch (message.type) {
      case 'opened':
        handlers?.opened(message.head);
        break;
      case 'data':
        handlers?.data(message.stream, bytes);
        break;
      case 'end':
        handlers?.end(message.stream);
        break;
      case 'closed': {
        this.#open.delete(message.id);
        const { error } = message.outcome;
        handlers?.closed(message.outcome, error && fromWireError(error));
        break;
      }
    }
  }
}

const CHUNK_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array();
