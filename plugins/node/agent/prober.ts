import type { Clock, Probe, ProbeResult, Runtime, Timer } from 'kernetes/sdk';

export interface ProberOptions {
  readonly probe: Probe;
  readonly containerId: string;
  readonly runtime: Pick<Runtime, 'probe'>;
  readonly clock: Clock;
  /** Each single failure. */
  readonly onFailure: (message: string) => void;
  /** Its thresholds have been passed: the first time, and whenever the answer turns. */
  readonly onResult: (ok: boolean) => void;
}

/**
 * Runs one probe of one running container, until it is stopped or the runtime's answer is final.
 */
export class Prober {
  readonly #options: ProberOptions;
  #timer: Timer | undefined;
  #result: boolean | undefined;
  /** How often in a row the last answer came. */
  #count = 0;
  #last: boolean | undefined;
  #stopped = false;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#schedule((options.probe.initialDelaySeconds ?? 0) * 1000);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(ms: number): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#run(), ms);
  }

  async #run(): Promise<void> {
    const { probe, onFailure } = this.#options;
    const { ok, message = '', final = false } = await this.#ask();
    if (this.#stopped) return;
    if (!ok) onFailure(message);
    if (this.#stopped) return;
    this.#count = ok === this.#last ? this.#count + 1 : 1;
    this.#last = ok;
    const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (this.#count >= threshold && ok !== this.#result) {
      this.#result = ok;
      this.#options.onResult(ok);
    }
    if (this.#stopped || (final && ok && this.#result)) return;
    this.#schedule((probe.periodSeconds ?? 10) * 1000);
  }

  /** No answer in time is a failure. */
  #ask(): Promise<ProbeResult> {
    const { runtime, containerId, probe, clock } = this.#options;
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    return new Promise(resolve => {
      const timer = clock.setTimeout(
        () => resolve({ ok: false, message: `probe timed out after ${timeoutMs}ms` }),
        timeoutMs,
      );
      runtime
        .probe(containerId, probe)
        .catch((error: unknown) => ({ ok: false, message: String(error) }))
        .then(result => {
          timer.cancel();
          resolve(result);
        });
    });
  }
}
