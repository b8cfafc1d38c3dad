import {
  openConnection,
  openFetch,
  openProgram,
  type Resource,
  type ResourceSink,
} from './brokered-resources.ts';
import type { Channel } from './channel.ts';
import { assertGranted, type Grants } from './grants.ts';
import { PoolLimits } from './limits.ts';
import {
  type BrokeredOutcome,
  type BrokeredResource,
  type BrokerReply,
  type BrokerRequest,
  decodeFrame,
  Outbox,
  type Payload,
} from './wire.ts';
import { BadMessage, checkBrokerRequest, checkFrame, checkHeader } from './wire-check.ts';
import { toWireError } from './wire-error.ts';

export interface BrokerOptions {
  /** Whom refusals name. */
  readonly plugin: string;
  readonly grants: Grants;
  readonly channel: Channel;
  readonly onBadMessage: (error: Error) => void;
}

/**
 * Does in the kernel's thread what a host was granted and cannot be let do itself: a thread that
 * could open one socket could open all. Every resource has credit for unread bytes, given anew by
 * the host as it reads; a source without credit is paused.
 */
export class Broker {
  readonly #plugin: string;
  readonly #grants: Grants;
  readonly #onBadMessage: (error: Error) => void;
  readonly #outbox: Outbox<BrokerReply>;
  readonly #open = new Map<number, OpenResource>();
  #closed = false;

  constructor({ plugin, grants, channel, onBadMessage }: BrokerOptions) {
    this.#plugin = plugin;
    this.#grants = grants;
    this.#onBadMessage = onBadMessage;
    this.#outbox = new Outbox(frame => channel.send(frame));
    channel.receive(frame => this.#receive(frame));
  }

  close(): void {
    this.#closed = true;
    for (const { resource } of this.#open.values()) resource?.destroy();
    this.#open.clear();
  }

  #receive(frame: unknown): void {
    if (this.#closed) return;
    try {
      const { messages, payload } = decodeFrame(checkFrame(frame), checkHeader);
      for (const message of messages) this.#take(checkBrokerRequest(message), payload);
    } catch (error) {
      this.#onBadMessage(error instanceof Error ? error : new BadMessage(String(error)));
    }
  }

  #take(message: BrokerRequest, payload: Payload): void {
    const open = this.#open.get(message.id);
    switch (message.type) {
      case 'open':
        this.#start(message.id, message.resource);
        break;
      case 'data': {
        const bytes = payload.take(message.bytes);
        open?.resource?.write(bytes);
        break;
      }
      case 'end':
        open?.resource?.end();
        break;
      case 'read':
        if (!open) break;
        open.credit = Math.min(open.credit + message.size, PoolLimits.resourceUnreadBytesMax);
        if (open.credit > 0) open.resource?.resume();
        break;
      case 'destroy':
        this.#open.delete(message.id);
        open?.resource?.destroy();
        break;
    }
  }

  #start(id: number, wanted: BrokeredResource): void {
    if (this.#open.has(id)) throw new BadMessage(`Cannot take message: id ${id} is in use`);
    const entry: OpenResource = { resource: undefined, credit: PoolLimits.resourceUnreadBytesMax };
    this.#open.set(id, entry);
    // The id may be given to another after `destroy`: what comes later from this one is dropped.
    const isOpen = () => this.#open.get(id) === entry;
    const sink: ResourceSink = {
      opened: head => isOpen() && this.#send({ type: 'opened', id, head }),
      data: (stream, bytes) => isOpen() && this.#data(id, entry, stream, bytes),
      end: stream => isOpen() && this.#send({ type: 'end', id, stream }),
      closed: outcome => isOpen() && this.#finish(id, outcome),
    };
    try {
      assertGranted(this.#plugin, this.#grants, wanted);
      if (this.#open.size > PoolLimits.resourcesMax) {
        throw new Error(`Cannot open another: ${PoolLimits.resourcesMax} are open`);
      }
      entry.resource = openResource(wanted, this.#grants, sink);
    } catch (error) {
      this.#finish(id, { error: toWireError(error) });
    }
  }

  #data(id: number, entry: OpenResource, stream: 1 | 2, bytes: Uint8Array): void {
    this.#send({ type: 'data', id, stream, bytes: bytes.length }, bytes);
    entry.credit -= bytes.length;
    if (entry.credit <= 0) entry.resource?.pause();
  }

  #finish(id: number, outcome: BrokeredOutcome): void {
    this.#open.delete(id);
    this.#send({ type: 'closed', id, outcome });
  }

  #send(message: BrokerReply, ...payload: readonly Uint8Array[]): void {
    if (!this.#closed) this.#outbox.push(message, ...payload);
  }
}

interface OpenResource {
  resource: Resource | undefined;
  /** Bytes that may be sent before the host has read some. */
  credit: number;
}

function openResource(wanted: BrokeredResource, grants: Grants, sink: ResourceSink): Resource {
  switch (wanted.type) {
    case 'fetch':
      return openFetch(wanted, sink);
    case 'connect':
      return openConnection(wanted, sink);
    case 'run':
      return openProgram(wanted, sink, grants);
  }
}
