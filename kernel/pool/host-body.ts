import type { Channel } from './channel.ts';
import type { HostStart } from './host-api.ts';

/** What a host runs in: a thread, or a process. */
export interface HostBody {
  readonly control: Channel;
  readonly broker: Channel;
  /** One a plugin, in the order of the start. */
  readonly plugins: readonly Channel[];
  /** Resolves when it is gone, for whatever reason, once. */
  readonly gone: Promise<BodyEnd>;
  /** Ends it, whatever it does. `gone` tells when that came true. */
  kill(): void;
  /** Resident memory of a process of its own, in bytes; undefined for a thread. */
  residentBytes(): number | undefined;
}

export interface BodyEnd {
  readonly reason: 'exit' | 'error' | 'out-of-memory';
  readonly error: Error;
}

export interface BodyOptions {
  readonly start: HostStart;
  /** The host's own script. */
  readonly hostCode: string;
  readonly heapMb: number;
  /** Of Node, for the thread. */
  readonly flags: readonly string[];
}
