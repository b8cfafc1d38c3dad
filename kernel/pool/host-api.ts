import type { Channel } from './channel.ts';
import type { ValueCodec } from './link-client.ts';
import type { WireDefinition } from './wire.ts';

/** What a host's privileged part gives to the runtime that it evaluates beside the plugins. */
export interface HostApi {
  readonly plugins: readonly { readonly name: string; readonly channel: Channel }[];
  readonly codec: ValueCodec;
  /** Hands over the runtime; called once. */
  serve(runtime: HostRuntime): void;
}

export interface HostRuntime {
  load(plugin: string): Promise<WireDefinition>;
  activate(plugin: string, config: unknown): Promise<void>;
  deactivate(plugin: string): Promise<void>;
}

/** What the kernel tells a host's privileged part when it starts it. */
export interface HostStart {
  readonly name: string;
  readonly plugins: readonly { readonly name: string }[];
  /** The bundle of runtime and plugins; see `bundle.ts`. */
  readonly code: string;
  readonly grants: Grants;
}

/** What the operator lets a plugin do. Absent or empty: nothing of the sort. */
export interface Grants {
  /** `host:port`; `host:*` for all ports, `*:port` for all hosts. */
  readonly net?: readonly string[];
  /** Files, and folders with all below them. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  /** Names of environment variables. */
  readonly env?: readonly string[];
  /** Programs, by path or, as the kernel finds them in its PATH, by name. */
  readonly run?: readonly string[];
  /** Facts about the machine: `hostname`, `networkInterfaces`, `userInfo` … as in `node:os`. */
  readonly sys?: readonly string[];
}
