/**
 * Structured log: the message is constant text, facts are fields. The plugin's name is added by
 * the kernel. Levels below the configured one cost a comparison.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Values are plain data; an `Error` under `error` is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
