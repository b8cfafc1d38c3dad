import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { BodyEnd, BodyOptions, HostBody } from './host-body.ts';
import { ALLOW_WORKER_FLAGS } from './permission-flags.ts';
import { PipeMux } from './pipe-mux.ts';
import { decodeText, encodeText } from './wire.ts';
import { fromWireError } from './wire-error.ts';

/**
 * A host in a process of its own: there, `process-relay.ts` runs the same thread as a worker
 * placement would, and passes frames between its ports and a pipe. What it can do to memory, and
 * what cannot be interrupted, ends with the process.
 */
export function startProcess(options: BodyOptions & { readonly relayCode: string }): HostBody {
  const { start, hostCode, heapMb, flags, relayCode } = options;
  const processFlags = [...ALLOW_WORKER_FLAGS, `--max-old-space-size=${heapMb}`];
  const child = spawn(process.execPath, [...processFlags, '-e', relayCode], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const mux = new PipeMux(child.stdio[PIPE_FD] as Duplex);
  const setup = mux.channel(SETUP_CHANNEL);
  const text = JSON.stringify({ start, hostCode, heapMb, flags } satisfies BodyOptions);
  setup.send(encodeText(text).slice().buffer);

  const errors = lastOf(child.stderr as unknown as Duplex);
  const gone = new Promise<BodyEnd>(resolve => {
    let told: BodyEnd | undefined;
    setup.receive(frame => {
      told ??= readEnd(frame as ArrayBuffer);
      child.kill('SIGKILL');
    });
    child.once('error', error => resolve({ reason: 'error', error }));
    child.once('close', (code, signal) => {
      const how = signal ? `by ${signal}` : `with exit code ${code}`;
      resolve(told ?? { reason: 'exit', error: new Error(`The process ended ${how}${errors()}`) });
    });
  });
  return {
    control: mux.channel(CONTROL_CHANNEL),
    broker: mux.channel(BROKER_CHANNEL),
    plugins: start.plugins.map((_, i) => mux.channel(PLUGIN_CHANNEL + i)),
    gone,
    kill: () => void child.kill('SIGKILL'),
    residentBytes: () => residentBytes(child.pid),
  };
}

export const PIPE_FD = 3;
/** The start, and the reason of the end. */
export const SETUP_CHANNEL = 0;
export const CONTROL_CHANNEL = 1;
export const BROKER_CHANNEL = 2;
/** The first plugin's; the others follow. */
export const PLUGIN_CHANNEL = 3;

/** What the relay says may be forged: it is only a text. */
function readEnd(frame: ArrayBuffer): BodyEnd {
  try {
    const { reason, error } = JSON.parse(decodeText(new Uint8Array(frame)));
    const { name, message, stack } = error;
    return {
      reason: reason === 'out-of-memory' ? reason : 'error',
      error: fromWireError({
        name: String(name),
        message: String(message),
        stack: String(stack ?? message),
      }),
    };
  } catch {
    return { reason: 'error', error: new Error('The process ended and gave no readable reason') };
  }
}

/** V8 says there why it gave up. */
function lastOf(stream: Duplex): () => string {
  let last = '';
  stream.on('data', chunk => {
    last = (last + String(chunk)).slice(-STDERR_LENGTH_KEPT);
  });
  return () => (last ? `: ${last.trim()}` : '');
}

const STDERR_LENGTH_KEPT = 2_000;

/** Linux tells; elsewhere memory outside of the heap is not watched. */
function residentBytes(pid: number | undefined): number | undefined {
  try {
    const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1];
    return Number(pages) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}

const PAGE_BYTES = 4_096;
