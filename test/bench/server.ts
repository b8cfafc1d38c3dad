import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from './client.ts';

/** The built program in a process of its own, on fresh data. */
export class Server {
  readonly kubeconfig: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #started: number;
  /** From the start of the process until it said that it is ready. */
  readyMs = 0;

  private constructor(args: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), 'kernetes-bench-'));
    this.kubeconfig = join(this.#folder, 'kubeconfig');
    this.#started = performance.now();
    const program = ['dist/kernetes.js', 'up', '--listen', '127.0.0.1:0'];
    const files = ['--data', join(this.#folder, 'data'), '--kubeconfig', this.kubeconfig];
    this.#child = spawn(process.execPath, [...program, ...files, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  static async start(...args: readonly string[]): Promise<Server> {
    const server = new Server(args);
    await server.#ready();
    return server;
  }

  client(connections = 32): Client {
    return new Client(this.kubeconfig, connections);
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
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    let text = '';
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('The server has no output');
    for await (const chunk of stdout) {
      text += String(chunk);
      if (text.includes('ready in')) {
        this.readyMs = performance.now() - this.#started;
        stdout.resume();
        return;
      }
    }
    throw new Error(`The server ended before it was ready:\n${text}`);
  }
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
