import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { findProgram, type Grants } from './grants.ts';
import { PoolLimits } from './limits.ts';
import type { BrokeredHead, BrokeredOutcome, BrokeredResource } from './wire.ts';
import { toWireError } from './wire-error.ts';

/** Something that is open in the kernel's process for a host. */
export interface Resource {
  write(bytes: Uint8Array): void;
  end(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface ResourceSink {
  opened(head: BrokeredHead): unknown;
  data(stream: 1 | 2, bytes: Uint8Array): unknown;
  end(stream: 1 | 2): unknown;
  /** Last, and once. */
  closed(outcome: BrokeredOutcome): unknown;
}

export function openConnection(
  { host, port }: BrokeredResource & { type: 'connect' },
  sink: ResourceSink,
): Resource {
  const socket = connect({ host, port, allowHalfOpen: true });
  let error: Error | undefined;
  socket.on('connect', () => sink.opened({}));
  socket.on('data', bytes => sink.data(1, bytes));
  socket.on('end', () => sink.end(1));
  socket.on('error', cause => {
    error = cause;
  });
  socket.on('close', () => sink.closed(error ? { error: toWireError(error) } : {}));
  return {
    write(bytes) {
      if (socket.writableLength > PoolLimits.frameBytesMax) socket.destroy(tooMuch());
      else socket.write(bytes);
    },
    end: () => void socket.end(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}

/** The body is collected until `end`. Redirects are not followed: the host asks anew. */
export function openFetch(
  { url, method, headers }: BrokeredResource & { type: 'fetch' },
  sink: ResourceSink,
): Resource {
  const aborter = new AbortController();
  const body: Uint8Array[] = [];
  let size = 0;
  let answer: Readable | undefined;
  let isSent = false;
  const send = async () => {
    const hasBody = method !== 'GET' && method !== 'HEAD' && size > 0;
    const response = await fetch(url, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      ...(hasBody && { body: Buffer.concat(body) }),
      redirect: 'manual',
      signal: aborter.signal,
    });
    const { status, statusText } = response;
    // The body arrives decoded.
    const kept = [...response.headers].filter(([name]) => !DECODED_HEADERS.has(name));
    sink.opened({ status, statusText, url, headers: kept });
    answer = response.body ? Readable.fromWeb(response.body) : Readable.from([]);
    await finished(answer.on('data', bytes => sink.data(1, bytes)));
    sink.end(1);
  };
  return {
    write(bytes) {
      size += bytes.length;
      if (size > PoolLimits.frameBytesMax) aborter.abort(tooMuch());
      else body.push(bytes);
    },
    end() {
      if (isSent) return;
      isSent = true;
      send().then(
        () => sink.closed({}),
        error => sink.closed({ error: toWireError(error) }),
      );
    },
    pause: () => void answer?.pause(),
    resume: () => void answer?.resume(),
    destroy: () => aborter.abort(),
  };
}

const DECODED_HEADERS = new Set(['content-encoding', 'content-length', 'transfer-encoding']);

/** Without a shell, and without the kernel's environment. */
export function openProgram(
  { program, args, cwd, env }: BrokeredResource & { type: 'run' },
  sink: ResourceSink,
  grants: Grants,
): Resource {
  const path = process.env.PATH ?? '';
  const file = findProgram(grants, program, { path, isFile });
  if (!file) throw new Error(`Cannot run "${program}": it was not found`);
  const child = spawn(file, [...args], {
    cwd: cwd ?? '/',
    env: { PATH: path, ...harmlessEnv(env) },
    stdio: 'pipe',
  });
  let error: Error | undefined;
  const outputs = [child.stdout, child.stderr];
  for (const [i, output] of outputs.entries()) {
    const stream = i === 0 ? 1 : 2;
    output.on('data', (bytes: Uint8Array) => sink.data(stream, bytes));
    output.on('end', () => sink.end(stream));
  }
  // It may end without reading all of its input.
  child.stdin.on('error', () => {});
  child.on('spawn', () => sink.opened(child.pid === undefined ? {} : { pid: child.pid }));
  child.on('error', cause => {
    error = cause;
  });
  child.on('close', (exitCode, signal) =>
    sink.closed({
      ...(error && { error: toWireError(error) }),
      ...(exitCode !== null && exitCode >= 0 && { exitCode }),
      ...(signal && { signal }),
    }),
  );
  return {
    write(bytes) {
      if (child.stdin.writableLength > PoolLimits.frameBytesMax) child.kill('SIGKILL');
      else child.stdin.write(bytes);
    },
    end: () => void child.stdin.end(),
    pause: () => outputs.forEach(output => void output.pause()),
    resume: () => outputs.forEach(output => void output.resume()),
    destroy: () => void child.kill('SIGKILL'),
  };
}

/** Variables that make the loader or Node run other code than the granted program's are left out. */
function harmlessEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !LOADER_ENV.test(name)));
}

const LOADER_ENV = /^(LD_|DYLD_|NODE_OPTIONS$|NODE_PATH$|BASH_ENV$|ENV$|PATH$)/;

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function tooMuch(): Error {
  return new Error(`Cannot send: more than ${PoolLimits.frameBytesMax} bytes are not sent yet`);
}
