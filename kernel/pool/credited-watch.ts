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
    this.#close();
  }

  acknowledge(bytes: number): void {
    this.#unackedBytes = Math.max(0, this.#unackedBytes - bytes);
    if (this.#held.length === 0 || this.#unackedBytes >= PoolLimits.watchUnackedBytesMax) return;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.onEvents(held);
  }

  readonly onEvents = (events: readonly EncodedEvent[]): void => {
    if (this.#closed) return;
    const flat: number[] = [];
    const json: Uint8Array[] = [];
    let next = 0;
    while (next < events.length && this.#held.length === 0 && !this.#isOverCredit()) {
      const event = events[next++] as EncodedEvent;
      const size = sizeOf(event);
      flat.push(EVENT_TYPES.indexOf(event.type), size);
      json.push(...event.json);
      this.#unackedBytes += size;
    }
    if (flat.length > 0) this.#send(flat, json);
    this.#hold(events.slice(next));
  };

  readonly onEnd = (error: Error): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#onEnd(error);
  };

  #isOverCredit(): boolean {
    return this.#unackedBytes >= PoolLimits.watchUnackedBytesMax;
  }

  #hold(events: readonly EncodedEvent[]): void {
    for (const event of events) {
      this.#held.push(event);
      this.#heldBytes += sizeOf(event);
    }
    if (this.#heldBytes <= PoolLimits.watchHeldBytesMax) return;
    this.close();
    this.#onEnd(expired(`Watch was closed: ${this.#heldBytes} bytes of events were not taken`));
  }
}

function sizeOf(event: EncodedEvent): number {
  let size = 0;
  for (const part of event.json) size += part.length;
  return size;
}
