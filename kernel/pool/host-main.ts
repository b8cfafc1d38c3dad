import Module from 'node:module';
import { deserialize, serialize } from 'node:v8';
import { Script } from 'node:vm';
import { workerData } from 'node:worker_threads';
import { BrokerClient } from './broker-client.ts';
import { type Channel, portChannel } from './channel.ts';
import { confine } from './confine.ts';
import type { HostApi, HostPorts, HostRuntime, HostStart } from './host-api.ts';
import { PoolLimits } from './limits.ts';
import { decodeFrame, type HostCommand, type HostReport, Outbox } from './wire.ts';

/**
 * The privileged half of a host: the first code in its thread. It takes away what plugins must not
 * have, evaluates the bundle, and answers the kernel's commands and pings.
 */
async function main({ start, ports }: { start: HostStart; ports: HostPorts }): Promise<void> {
  let runtime: HostRuntime | undefined;
  const api: HostApi = {
    plugins: ports.plugins.map((port, i) => ({
      name: start.plugins[i]?.name ?? '',
      channel: portChannel(port),
    })),
    codec: { encode: serialize, decode: bytes => (bytes.length ? deserialize(bytes) : undefined) },
    ...(start.elections && { elections: start.elections }),
    serve: served => {
      runtime = served;
    },
  };
  const control = portChannel(ports.control);
  const outbox = new Outbox<HostReport>(frame => control.send(frame));
  const loader = confine(start, {
    load: takeLoader(),
    broker: new BrokerClient(portChannel(ports.broker)),
    log: (level, message) =>
      outbox.push({ type: 'console', level, message: message.slice(0, PoolLimits.logLengthMax) }),
  });
  await evaluate(start, api, loader);
  if (!runtime) throw new Error(`Cannot start host "${start.name}": its bundle has no runtime`);
  answer(control, outbox, runtime);
}

/** Node's loader of modules, which nobody else has after this. */
function takeLoader(): (name: string) => unknown {
  const loader = Module as unknown as { _load(name: string): unknown };
  const load = loader._load;
  return name => load.call(Module, name.startsWith('node:') ? name : `node:${name}`);
}

/** Compiled without an import callback: no code in the thread can import anything else. */
async function evaluate(start: HostStart, api: HostApi, loader: Loader): Promise<void> {
  const script = new Script(start.code, { filename: `${start.name}.js` });
  let untaken: HostApi | undefined = api;
  const takeHost = () => {
    const taken = untaken;
    untaken = undefined;
    return taken;
  };
  const { require, importMeta } = loader;
  await script.runInThisContext()(takeHost, require, require, importMeta);
}

/** Taken before plugins have a `process` of their own. */
const { memoryUsage } = process;

type Loader = ReturnType<typeof confine>;

function answer(control: Channel, outbox: Outbox<HostReport>, runtime: HostRuntime): void {
  control.receive(frame => {
    for (const message of decodeFrame(frame as ArrayBuffer).messages as HostCommand[]) {
      if (message.type !== 'ping') runtime(message);
      else outbox.push({ type: 'pong', id: message.id, heapUsed: memoryUsage().heapUsed });
    }
  });
  outbox.push({ type: 'ready' });
}

void main(workerData);
