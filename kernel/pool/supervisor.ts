import type { Clock, Timer } from '../../sdk/clock.ts';
import type { HostExit } from './host.ts';
import { PoolLimits } from './limits.ts';

export interface SuperviseOptions {
  readonly clock: Clock;
  /** Starts the host and activates its plugins; called again after every exit. */
  readonly start: (onExit: (exit: HostExit) => void) => Promise<Supervised>;
  /** After every change of state. */
  readonly onChange?: (state: SupervisorState) => void;
}

export interface Supervised {
  stop(): Promise<void>;
}

export interface SupervisorState {
  /**
   * `stuck`: its thread could not be ended. Nothing is started beside it: the kernel should finish
   * its writes and restart itself.
   */
  readonly phase: 'starting' | 'running' | 'waiting' | 'stuck' | 'stopped';
  readonly restarts: number;
  /** Why it is not running, or was not before the last start. */
  readonly lastError: Error | undefined;
}

/**
 * Keeps a host running: one that exits is started again after a wait, which doubles with every
 * exit and is back at its least for a host that ran long enough.
 */
export class Supervisor {
  /** Of the first start; when it rejects nothing is tried again. */
  readonly started: Promise<void>;
  readonly #options: SuperviseOptions;
  #state: SupervisorState = { phase: 'starting', restarts: 0, lastError: undefined };
  #running: Supervised | undefined;
  #starting: Promise<unknown> = Promise.resolve();
  #backoffMs: number = PoolLimits.restartBackoffMinMs;
  #runningSince = 0;
  #wait: Timer | undefined;

  constructor(options: SuperviseOptions) {
    this.#options = options;
    this.started = this.#start();
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** Ends the host, or the wait for its next start, for good. */
  async stop(): Promise<void> {
    this.#wait?.cancel();
    this.#change({ phase: 'stopped' });
    await this.#starting.catch(() => {});
    await this.#running?.stop();
  }

  async #start(): Promise<void> {
    const { clock, start } = this.#options;
    let exited = false;
    const starting = start(exit => {
      exited = true;
      this.#onExit(exit);
    });
    this.#starting = starting;
    try {
      this.#running = await starting;
    } catch (error) {
      this.#running = undefined;
      if (this.#state.restarts === 0) this.#change({ phase: 'stopped', lastError: asError(error) });
      // A start that failed because the host exited was counted there.
      else if (!exited) this.#restartLater(asError(error));
      throw error;
    }
    if (exited || this.#state.phase === 'stopped') return;
    this.#runningSince = clock.monotonic();
    this.#change({ phase: 'running' });
  }

  #onExit({ reason, error }: HostExit): void {
    const { clock } = this.#options;
    if (this.#state.phase === 'stopped') return;
    if (reason === 'not-terminated') {
      this.#change({ phase: 'stuck', lastError: error });
      return;
    }
    const wasRunning = this.#state.phase === 'running';
    // The first start is its starter's to judge.
    if (!wasRunning && this.#state.restarts === 0) return;
    const ranMs = clock.monotonic() - this.#runningSince;
    if (wasRunning && ranMs >= PoolLimits.restartBackoffResetMs) {
      this.#backoffMs = PoolLimits.restartBackoffMinMs;
    }
    this.#running = undefined;
    this.#restartLater(error);
  }

  #restartLater(error: Error): void {
    if (this.#state.phase === 'stopped' || this.#state.phase === 'waiting') return;
    this.#change({ phase: 'waiting', lastError: error });
    this.#wait = this.#options.clock.setTimeout(() => {
      this.#change({ phase: 'starting', restarts: this.#state.restarts + 1 });
      // Its failure is in the state.
      this.#start().catch(() => {});
    }, this.#backoffMs);
    this.#wait.unref();
    this.#backoffMs = Math.min(this.#backoffMs * 2, PoolLimits.restartBackoffMaxMs);
  }

  #change(change: Partial<SupervisorState>): void {
    if (this.#state.phase === 'stopped') return;
    this.#state = { ...this.#state, ...change };
    this.#options.onChange?.(this.#state);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
