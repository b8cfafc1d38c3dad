import { MessageChannel, Worker } from 'node:worker_threads';
import { portChannel } from './channel.ts';
import type { HostPorts } from './host-api.ts';
import type { BodyEnd, BodyOptions, HostBody } from './host-body.ts';

/** A host in a worker thread of this process. */
export function startThread({ start, hostCode, heapMb, flags }: BodyOptions): HostBody {
  const control = new MessageChannel();
  const broker = new MessageChannel();
  const plugins = start.plugins.map(() => new MessageChannel());
  const ports: HostPorts = {
    control: control.port2,
    broker: broker.port2,
    plugins: plugins.map(({ port2 }) => port2),
  };
  const worker = new Worker(BOOT, {
    eval: true,
    name: start.name,
    env: {},
    execArgv: [...flags],
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
    stdin: false,
    stdout: true,
    stderr: true,
    workerData: { hostCode, start, ports },
    transferList: [ports.control, ports.broker, ...ports.plugins],
  });
  // Only what Node itself says arrives here; unread it would pile up.
  worker.stdout.resume();
  worker.stderr.resume();
  const gone = new Promise<BodyEnd>(resolve => {
    worker.once('error', error => resolve({ reason: reasonOf(error), error: asError(error) }));
    worker.once('exit', code => {
      resolve({ reason: 'exit', error: new Error(`The thread ended with exit code ${code}`) });
    });
  });
  return {
    control: portChannel(control.port1),
    broker: portChannel(broker.port1),
    plugins: plugins.map(({ port1 }) => portChannel(port1)),
    gone,
    kill: () => void worker.terminate(),
    residentBytes: () => undefined,
  };
}

/**
 * The first code in the thread. It compiles the host's script without an import callback, which
 * code of a worker itself would have and would hand down to every function that it calls.
 */
export const BOOT = `
  const { workerData } = require('node:worker_threads');
  new (require('node:vm').Script)(workerData.hostCode, { filename: 'kernetes-host.js' })
    .runInThisContext()(require);
`;

function reasonOf(error: unknown): BodyEnd['reason'] {
  const isMemory = (error as { code?: unknown })?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isMemory ? 'out-of-memory' : 'error';
}

/** A thread may throw anything, also what is no error. */
function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(`The thread threw ${typeof error}`);
}
