import type { KernelLink } from './link.ts';
import type { LogFields, Logger } from './logger.ts';

/** A log that is kept at the link's other end, which also adds the plugin's name. */
export function createLogger(link: KernelLink): Logger {
  return {
    debug: (message, fields: LogFields = {}) => link.log('debug', message, fields),
    info: (message, fields: LogFields = {}) => link.log('info', message, fields),
    warn: (message, fields: LogFields = {}) => link.log('warn', message, fields),
    error: (message, fields: LogFields = {}) => link.log('error', message, fields),
  };
}
