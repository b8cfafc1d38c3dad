import type { HeldVerdict } from './scheduler-remote.ts';
import type { Verdict } from './scheduler-verdict.ts';

/** The promise behind a `wait`, which stays on this side. */
export class Held {
  readonly #outcome: Promise<Verdict | undefined>;
  readonly #timeoutMs: number;
  #release: (verdict: HeldVerdict) => void = () => {};

  constructor({ until, timeoutMs }: Extract<Verdict, { code: 'wait' }>) {
    this.#outcome = until;
    this.#timeoutMs = timeoutMs;
    // A rejection before anybody asks is told to who asks.
    until.catch(() => {});
  }

  /** The end, or `wait` when somebody asks anew. */
  settled(): Promise<Verdict | HeldVerdict | undefined> {
    this.#release({ code: 'wait', timeoutMs: this.#timeoutMs });
    const released = new Promise<HeldVerdict>(resolve => {
      this.#release = resolve;
    });
    return Promise.race([this.#outcome, released]);
  }
}
