import { createRequire } from 'node:module';
import type { HostStart } from './host-api.ts';

export function guardedLoader(_start: HostStart) {
  return { require: createRequire('/'), importMeta: {} };
}
