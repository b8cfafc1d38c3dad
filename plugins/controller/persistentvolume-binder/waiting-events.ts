import {
  type Clock,
  type EventRecorder,
  type EventType,
  keyOf,
  type PersistentVolumeClaim,
} from 'kernetes/sdk';

/**
 * Tells why claims wait: each is looked at again and again, and told when the reason is another one;
 * else so seldom that the event is just kept alive. Upstream leaves that to its recorder's budget,
 * which a claim that waits would use up.
 */
export class WaitingEvents {
  readonly #events: EventRecorder;
  readonly #clock: Clock;
  /** By claim; of those that wait only. */
  readonly #told = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(events: EventRecorder, clock: Clock) {
    this.#events = events;
    this.#clock = clock;
  }

  tell(claim: PersistentVolumeClaim, type: EventType, reason: string, message: string): void {
    const key = keyOf(claim);
    const text = `${claim.metadata.uid} ${reason} ${message}`;
    const now = this.#clock.now();
    const last = this.#told.get(key);
    if (last?.text === text && now - last.at < REPEAT_MS) return;
    this.#told.set(key, { text, at: now });
    this.#events.event(claim, type, reason, message);
  }

  /** It has its volume, or is gone. */
  forget(claimKey: string): void {
    this.#told.delete(claimKey);
  }
}

/** As often as an object's budget of events grows by one. */
const REPEAT_MS = 300_000;
