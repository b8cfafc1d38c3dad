import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from './client.ts';

export interface ServerOptions {
  readonly args?: readonly string[];
  /** Data of an earlier server; absent: fresh data, which go with this one. */
  readonly folder?: string;
  /** Keeps the objects in this etcd. */
  readonly etcd?: string;
  /** From the sources rather than as built. */
  readonly fromSource?: boolean;
}

/** The program in a process of its own. */
export class Server implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly folder: string;
  readonly #ownsFolder: boolean;
  readonly #child: ChildProcess;
  readonly #started: number;
  #errors = '';
  /** From the start of the process until it said that it is ready. */
  readyMs = 0;

  private constructor({ args = [], folder, etcd, fromSource = false }: ServerOptions) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'kernetes-'));
    this.#ownsFolder = folder === undefined;
    this.kubeconfig = join(this.folder, 'kubeconfig');
    this.#started = performance.now();
    const program = fromSource ? ['--import', 'tsx', 'kernel/cli/main.ts'] : ['dist/kernetes.js'];
    const data = etcd === undefined ? ['--data', join(this.folder, 'data')] : ['--etcd', etcd];
    const files = [...data, '--kubeconfig', this.kubeconfig];
    const command = [...program, 'up', '--listen', '127.0.0.1:0', ...files, ...args];
    this.#child = spawn(process.execPath, command, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
      process.stderr.write(chunk);
    });
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(options);
    await server.#ready();
    return server;
  }

  client(connections = 32): Client {
    return new Client(this.kubeconfig, connections);
  }

  /** The first line of its log that has this text, which may be still to come. */
  async logged(text: string): Promise<string> {
    for (;;) {
      const line = this.#errors.split('\n').find(each => each.includes(text));
      if (line !== undefined) return line;
      const { stderr } = this.#child;
      if (stderr === null || stderr.readableEnded) throw new Error(`Nothing logged "${text}"`);
      await Promise.race([once(stderr, 'data'), once(stderr, 'end')]);
    }
  }

  /** Resident memory of the process with all its threads, MB of 10^6 bytes. */
  residentMb(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
  }

  /** CPU time used so far, all threads, in ms. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** It does nothing, and knows of nothing, until `resume`. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Ends it as a power cut would; its folder stays. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      let text = '';
      // It goes on being read: a server whose output nobody takes would stop at a full pipe.
      this.#child.stdout?.on('data', (chunk: Buffer) => {
        if (this.readyMs > 0) return;
        text += chunk.toString();
        if (!text.includes('ready in')) return;
        this.readyMs = performance.now() - this.#started;
        resolve();
      });
      this.#child.once('exit', () =>
        reject(new Error(`The server ended before it was ready:\n${text}`)),
      );
    });
  }
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const ROOT = join(import.meta.dirname, '../..');
