import type { Clock } from '../../sdk/clock.ts';
import type { LogFields, LogLevel } from '../../sdk/logger.ts';
import { PoolLimits } from './limits.ts';

type Log = (level: LogLevel, message: string, fields: LogFields) => void;

/** Lets so many lines of a plugin through in a time, and then says how many it did not. */
export class LogGate {
  readonly #clock: Clock;
  readonly #log: Log;
  #windowStart = Number.NEGATIVE_INFINITY;
  #lines = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  log(level: LogLevel, message: string, fields: LogFields): void {
    const now = this.#clock.monotonic();
    if (now - this.#windowStart >= PoolLimits.logWindowMs) {
      const dropped = this.#lines - PoolLimits.logLinesMax;
      this.#windowStart = now;
      this.#lines = 0;
      if (dropped > 0) this.#log('warn', 'Log lines were dropped', { count: dropped });
    }
    this.#lines++;
    if (this.#lines <= PoolLimits.logLinesMax) this.#log(level, message, fields);
  }
}
