import { EventEmitter } from 'node:events';
import type { BrokerClient, BrokeredHandle } from './broker-client.ts';
import { BrokeredReadable, BrokeredWritable } from './brokered-streams.ts';
import { assertGranted } from './grants.ts';
import type { Guard } from './guard.ts';
import type { GuardedModules } from './guarded-modules.ts';
import { PoolLimits } from './limits.ts';

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly encoding?: string;
  readonly maxBuffer?: number;
}

interface RunContext {
  readonly guard: Guard;
  readonly broker: BrokerClient;
  readonly modules: GuardedModules;
}

/** `node:child_process`: `spawn` and `execFile` of granted programs, run by the kernel. */
export function guardedRun({ guard, broker, modules }: RunContext): object {
  const copy = modules.guarded('child_process') as Record<string, unknown>;
  if (!guard.grants.run?.length) return copy;

  function spawn(program: unknown, args?: unknown, options?: RunOptions): BrokeredChild {
    const [list, rest] = Array.isArray(args) ? [args, options] : [[], args as RunOptions];
    const resource = {
      type: 'run',
      program: String(program),
      args: list.map(String),
      ...(rest?.cwd !== undefined && { cwd: String(rest.cwd) }),
      env: Object.fromEntries(
        Object.entries(rest?.env ?? {}).map(([name, value]) => [name, String(value)]),
      ),
    } as const;
    assertGranted(guard.plugin, guard.grants, resource);
    return new BrokeredChild(broker, resource);
  }

  function execFile(program: unknown, ...args: unknown[]): BrokeredChild {
    const list = Array.isArray(args[0]) ? (args.shift() as unknown[]) : [];
    const options = typeof args[0] === 'object' ? (args.shift() as RunOptions) : {};
    const callback = args[0] as ExecCallback | undefined;
    const child = spawn(program, list, options);
    collect(child, options ?? {}, callback ?? (() => {}));
    return child;
  }

  return Object.assign(copy, { spawn, execFile });
}

type ExecCallback = (error: Error | null, stdout: string | Buffer, stderr: string | Buffer) => void;

class BrokeredChild extends EventEmitter {
  readonly stdin: BrokeredWritable;
  readonly stdout: BrokeredReadable;
  readonly stderr: BrokeredReadable;
  pid: number | undefined;
  exitCode: number | null = null;
  signalCode: string | null = null;
  killed = false;
  readonly #handle: BrokeredHandle;

  constructor(broker: BrokerClient, resource: Parameters<BrokerClient['open']>[0]) {
    super();
    const handle = () => this.#handle;
    this.stdin = new BrokeredWritable(handle);
    this.stdout = new BrokeredReadable(handle);
    this.stderr = new BrokeredReadable(handle);
    const outputs = { 1: this.stdout, 2: this.stderr } as const;
    this.#handle = broker.open(resource, {
      opened: ({ pid }) => {
        this.pid = pid;
        this.emit('spawn');
      },
      data: (stream, bytes) => outputs[stream].receive(bytes),
      end: stream => void outputs[stream].push(null),
      closed: ({ exitCode = null, signal = null }, error) => {
        this.exitCode = exitCode;
        this.signalCode = signal;
        if (error) this.emit('error', error);
        this.emit('exit', exitCode, signal);
        this.emit('close', exitCode, signal);
      },
    });
  }

  /** Whatever the signal: SIGKILL. */
  kill(): boolean {
    this.killed = true;
    this.#handle.destroy();
    this.emit('exit', null, 'SIGKILL');
    this.emit('close', null, 'SIGKILL');
    return true;
  }
}

/** Gathers a child's outputs for `execFile`'s callback. */
function collect(child: BrokeredChild, options: RunOptions, callback: ExecCallback): void {
  const bytesMax = options.maxBuffer ?? PoolLimits.resourceUnreadBytesMax;
  const outputs = [child.stdout, child.stderr].map(stream => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) child.kill();
      else chunks.push(chunk);
    });
    return () => {
      const all = Buffer.concat(chunks);
      return options.encoding === 'buffer' ? all : all.toString();
    };
  });
  let failure: Error | null = null;
  child.on('error', error => {
    failure = error;
  });
  child.on('close', (code: number | null, signal: string | null) => {
    if (!failure && code !== 0) {
      failure = Object.assign(new Error('Command failed'), { code, signal, killed: child.killed });
    }
    const [stdout, stderr] = outputs;
    callback(failure, stdout?.() ?? '', stderr?.() ?? '');
  });
}
