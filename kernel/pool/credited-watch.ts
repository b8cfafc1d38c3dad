import { expired } from '../../sdk/status.ts';
import type { EncodedEvent, EncodedWatchSink } from './encoded-link.ts';
import { PoolLimits } from './limits.ts';
import { EVENT_TYPES } from './wire.ts';

/**
 * Flow control of one watch: events go out while few enough bytes are unacknowledged, are held
 * back after that, and beyond the second bound the watch is closed, so that a slow plugin costs
 * itself a new list and nobody else anything.
 */
export class CreditedWatch implements EncodedWatchSink {
  readonly #send: (events: readonly number[], json: readonly Uint8Array[]) => void;
  readonly #onEnd: (error: Error) => void;
  #close: () => void = () => {};
  #closed = false;
  #unackedBytes = 0;
  #held: EncodedEvent[] = [];
  /** How many of them were sent. */
  #sent = 0;
  #heldBytes = 0;

  constructor(
    send: (events: readonly number[], json: readonly Uint8Array[]) => void,
    onEnd: (error: Error) => void,
  ) {
    this.#send = send;
    this.#onEnd = onEnd;
  }

  open(start: (sink: EncodedWatchSink) => () => void): void {
    const close = start(this);
    if (this.#closed) close();
    else this.#close = close;
  }

  close(): void {
    this.#closed = true;
    this.#held = [];
    this.#sent = 0;
    this.#heldBytes = 0;
    this.#close();
  }

  acknowledge(bytes: number): void {
    this.#unackedBytes = Math.max(0, this.#unackedBytes - bytes);
    if (this.#sent < this.#held.length) this.#pump();
  }

  readonly onEvents = (events: readonly EncodedEvent[]): void => {
    if (this.#closed) return;
    for (const event of events) {
      this.#held.push(event);
      this.#heldBytes += sizeOf(event);
    }
    this.#pump();
    if (this.#heldBytes <= PoolLimits.watchHeldBytesMax) return;
    const error = expired(`Watch was closed: ${this.#heldBytes} bytes of events were not taken`);
    this.close();
    this.#onEnd(error);
  };

  readonly onEnd = (error: Error): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#onEnd(error);
  };

  /** Sends as much of what is held as there is credit for. */
  #pump(): void {
    const flat: number[] = [];
    const json: Uint8Array[] = [];
    while (this.#sent < this.#held.length && this.#unackedBytes < PoolLimits.watchUnackedBytesMax) {
      const event = this.#held[this.#sent++] as EncodedEvent;
      const size = sizeOf(event);
      flat.push(EVENT_TYPES.indexOf(event.type), size);
      json.push(...event.json);
      this.#unackedBytes += size;
      this.#heldBytes -= size;
    }
    if (flat.length > 0) this.#send(flat, json);
    this.#forgetSent();
  }

  /** Now and then, so that it costs little for each event. */
  #forgetSent(): void {
    if (this.#sent * 2 < this.#held.length) return;
    this.#held = this.#held.slice(this.#sent);
    this.#sent = 0;
  }
}

function sizeOf(event: EncodedEvent): number {
  let size = 0;
  for (const part of event.json) size += part.length;
  return size;
}
