import type { MessagePort } from 'node:worker_threads';
import type { ElectionSettings } from '../../sdk/leadership.ts';
import type { Channel } from './channel.ts';
import type { Grants } from './grants.ts';
import type { ValueCodec } from './link-client.ts';
import type { PluginCommand } from './wire.ts';

/** What a host's privileged part gives to the runtime that it evaluates beside the plugins. */
export interface HostApi {
  readonly plugins: readonly { readonly name: string; readonly channel: Channel }[];
  readonly codec: ValueCodec;
  readonly elections?: ElectionSettings;
  /** Whom to give commands; called once. Their answers go over the plugin's channel. */
  serve(runtime: HostRuntime): void;
}

export type HostRuntime = (command: PluginCommand) => void;

/** The host's ends, with the start. */
export interface HostPorts {
  readonly control: MessagePort;
  readonly broker: MessagePort;
  /** One a plugin, in the order of the start. */
  readonly plugins: readonly MessagePort[];
}

/** What the kernel tells a host's privileged part when it starts it. */
export interface HostStart {
  readonly name: string;
  readonly plugins: readonly { readonly name: string }[];
  /** The bundle of runtime and plugins; see `bundle.ts`. */
  readonly code: string;
  readonly grants: Grants;
  /** The environment variables that were granted, with their values. */
  readonly env: Readonly<Record<string, string>>;
  readonly elections?: ElectionSettings;
}
