import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import type { LogFields, Logger, LogLevel } from '../sdk/logger.ts';

/** JSON lines, one per record, to `destination` (default: standard error, unbuffered). */
export function createLogger(level: LogLevel | 'silent', destination?: DestinationStream): Logger {
  const sink = destination ?? pino.destination({ dest: 2, sync: true });
  const log: PinoLogger = pino<never>(
    { level, base: null, serializers: { error: pino.stdSerializers.err } },
    sink,
  );
  return toLogger(log);
}

/** The same log with fields that every record gets. */
export function withFields(log: Logger, fields: LogFields): Logger {
  const add =
    (level: LogLevel) =>
    (message: string, more: LogFields = {}) =>
      log[level](message, { ...fields, ...more });
  return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}

function toLogger(log: PinoLogger): Logger {
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
  };
}
