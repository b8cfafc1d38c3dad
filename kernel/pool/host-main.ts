import { deserialize, serialize } from 'node:v8';
import { Script } from 'node:vm';
import { type MessagePort, workerData } from 'node:worker_threads';
import { type Channel, portChannel } from './channel.ts';
import { guardedLoader } from './guarded-loader.ts';
import type { HostApi, HostRuntime, HostStart } from './host-api.ts';
import {
  decodeFrame,
  type HostCommand,
  type HostReport,
  Outbox,
  type WireDefinition,
} from './wire.ts';
import { toWireError } from './wire-error.ts';

/**
 * The privileged half of a host: the first code in its thread. It takes away what plugins must not
 * have, evaluates the bundle, and answers the kernel's commands and pings.
 */
export interface HostPorts {
  readonly control: MessagePort;
  /** One a plugin, in order. */
  readonly plugins: readonly MessagePort[];
}

async function main({ start, ports }: { start: HostStart; ports: HostPorts }): Promise<void> {
  let runtime: HostRuntime | undefined;
  const api: HostApi = {
    plugins: start.plugins.map(({ name }, i) => ({
      name,
      channel: portChannel(ports.plugins[i] as MessagePort),
    })),
    codec: { encode: serialize, decode: bytes => (bytes.length ? deserialize(bytes) : undefined) },
    serve: served => {
      runtime = served;
    },
  };
  await evaluate(start, api);
  if (!runtime) throw new Error(`Cannot start host "${start.name}": its bundle has no runtime`);
  answer(portChannel(ports.control), runtime);
}

/** Compiled without an import callback: no code in the thread can import anything else. */
async function evaluate(start: HostStart, api: HostApi): Promise<void> {
  const script = new Script(start.code, { filename: `${start.name}.js` });
  let untaken: HostApi | undefined = api;
  const takeHost = () => {
    const taken = untaken;
    untaken = undefined;
    return taken;
  };
  const { require, importMeta } = guardedLoader(start);
  await script.runInThisContext()(takeHost, require, require, importMeta);
}

function answer(control: Channel, runtime: HostRuntime): void {
  const outbox = new Outbox<HostReport>(frame => control.send(frame));
  const done = (plugin: string, work: Promise<WireDefinition | undefined>) =>
    work.then(
      definition => outbox.push({ type: 'done', plugin, ...(definition && { definition }) }),
      error => outbox.push({ type: 'done', plugin, error: toWireError(error) }),
    );
  control.receive(frame => {
    for (const message of decodeFrame(frame as ArrayBuffer).messages as HostCommand[]) {
      switch (message.type) {
        case 'load':
          void done(message.plugin, runtime.load(message.plugin));
          break;
        case 'activate':
          void done(message.plugin, runtime.activate(message.plugin, message.config).then(nothing));
          break;
        case 'deactivate':
          void done(message.plugin, runtime.deactivate(message.plugin).then(nothing));
          break;
        case 'ping':
          outbox.push({
            type: 'pong',
            id: message.id,
            heapUsed: process.memoryUsage().heapUsed,
          });
          break;
      }
    }
  });
  outbox.push({ type: 'ready' });
}

function nothing(): undefined {}

void main(workerData);
