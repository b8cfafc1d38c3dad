import { spawn } from 'node:child_process';
import { reportFailure } from './failure.ts';

/**
 * What becomes of a plugin's thread that cannot be ended: the cluster is closed, so everything is
 * written, then the process ends, for whatever keeps it running to start it again. It does not
 * start itself again: the thread would run on beside it, and one more each time.
 */
export class StuckHost {
  readonly reported: Promise<void>;
  #error: Error | undefined;
  #settle: () => void = () => undefined;

  constructor() {
    this.reported = new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  report(error: Error): void {
    this.#error ??= error;
    this.#settle();
  }

  /** Says so and ends the process if there is one; call it when the cluster is closed. */
  endProcess(): void {
    if (this.#error === undefined) return;
    const advice = 'everything is written: start again, with its plugins placed in a process';
    exitNow(reportFailure(new Error(`${this.#error.message}; ${advice}`, { cause: this.#error })));
  }
}

/**
 * Ends the process, with exit code `code` if it can. `process.exit` waits for threads, and one in
 * a call that cannot be interrupted would keep it: a watchdog kills what is left of the process.
 */
export function exitNow(code: number): never {
  const kill = `setTimeout(() => { try { process.kill(${process.pid}, 'SIGKILL') } catch {} }, 100)`;
  spawn(process.execPath, ['-e', kill], { detached: true, stdio: 'ignore' }).unref();
  process.exit(code);
}
