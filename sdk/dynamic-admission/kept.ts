import { type AdmissionPlugin, admissionPoint } from '../admission.ts';
import type { Disposer } from '../extension.ts';
import type { PluginContext } from '../plugin.ts';

/**
 * Keeps what a plugin contributes to admission as the objects say that configure it. While there is
 * nothing to do it contributes nothing, and requests pay nothing.
 */
export class KeptAdmission {
  readonly #ctx: PluginContext;
  readonly #make: () => Promise<AdmissionPlugin | undefined>;
  #withdraw: Disposer | undefined;
  #running: Promise<void> | undefined;
  #isStale = false;

  /** `make` reads the objects and gives undefined when they ask for nothing. */
  constructor(ctx: PluginContext, make: () => Promise<AdmissionPlugin | undefined>) {
    this.#ctx = ctx;
    this.#make = make;
  }

  /** Resolves when what the objects say now is in force. */
  renew(): Promise<void> {
    this.#isStale = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** The same, for handlers of informers. */
  readonly onChange = (): void => {
    void this.renew().catch((error: unknown) => {
      if (this.#ctx.signal.aborted) return;
      this.#ctx.log.error('Cannot renew admission: what was in force stays so', { error });
    });
  };

  async #run(): Promise<void> {
    try {
      while (this.#isStale) {
        this.#isStale = false;
        const made = await this.#make();
        if (this.#ctx.signal.aborted) return;
        // Both in one turn: no request sees neither.
        void this.#withdraw?.();
        this.#withdraw = made && this.#ctx.provide(admissionPoint, made);
      }
    } finally {
      // In the turn in which it was found that nothing is left to do: what comes later begins anew.
      this.#running = undefined;
    }
  }
}
