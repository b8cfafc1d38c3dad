import { openConnection, openFetch, openProgram, type Resource } from './brokered-resources.ts';
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
  readonly #open = new Map<number, { resource: Resource; credit: number }>();
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
    for (const { resource } of this.#open.values()) resource.destroy();
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
        open?.resource.write(bytes);
        break;
      }
      case 'end':
        open?.resource.end();
        break;
      case 'read':
        if (!open) break;
        open.credit = Math.min(open.credit + message.size, PoolLimits.resourceUnreadBytesMax);
        if (open.credit > 0) open.resource.resume();
        break;
      case 'destroy':
        this.#open.delete(message.id);
        open?.resource.destroy();
        break;
    }
  }

  #start(id: number, wanted: BrokeredResource): void {
    if (this.#open.has(id)) throw new BadMessage(`Cannot take message: id ${id} is in use`);
    try {
      assertGranted(this.#plugin, this.#grants, wanted);
      if (this.#open.size >= PoolLimits.resourcesMax) {
        throw new Error(`Cannot open another: ${this.#open.size} are open`);
      }
      this.#open.set(id, {
        resource: openResource(wanted, this.#grants, {
          opened: head => this.#send({ type: 'opened', id, head }),
          data: (stream, bytes) => this.#data(id, stream, bytes),
          end: stream => this.#send({ type: 'end', id, stream }),
          closed: outcome => this.#finish(id, outcome),
        }),
        credit: PoolLimits.resourceUnreadBytesMax,
      });
    } catch (error) {
      this.#finish(id, { error: toWireError(error) });
    }
  }

  #data(id: number, stream: 1 | 2, bytes: Uint8Array): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#send({ type: 'data', id, stream, bytes: bytes.length }, bytes);
    open.credit -= bytes.length;
    if (open.credit <= 0) open.resource.pause();
  }

  #finish(id: number, outcome: BrokeredOutcome): void {
    this.#open.delete(id);
    this.#send({ type: 'closed', id, outcome });
  }

  #send(message: BrokerReply, ...payload: readonly Uint8Array[]): void {
    if (!this.#closed) this.#outbox.push(message, ...payload);
  }
}

type Sink = Parameters<typeof openConnection>[1];

function openResource(wanted: BrokeredResource, grants: Grants, sink: Sink): Resource {
  switch (wanted.type) {
    case 'fetch':
      return openFetch(wanted, sink);
    case 'connect':
      return openConnection(wanted, sink);
    case 'run':
      return openProgram(wanted, sink, grants);
  }
}
