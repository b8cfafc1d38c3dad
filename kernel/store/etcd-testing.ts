import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** An etcd of its own, on loopback ports and in a directory that nobody else uses. */
export interface EtcdServer {
  readonly endpoint: string;
  stop(): Promise<void>;
  /** Starts it again after a stop, with the same data and ports. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export function hasEtcd(): boolean {
  return spawnSync('etcd', ['--version']).status === 0;
}

export async function startEtcd(): Promise<EtcdServer> {
  const path = await mkdtemp(join(tmpdir(), 'kernetes-etcd-'));
  const [client, peer] = (await freePorts(2)).map(port => `http://127.0.0.1:${port}`);
  const endpoint = client ?? '';
  const args = ['--data-dir', path, '--listen-client-urls', endpoint];
  args.push('--advertise-client-urls', endpoint, '--listen-peer-urls', `${peer}`);
  args.push('--initial-advertise-peer-urls', `${peer}`, '--initial-cluster', `default=${peer}`);
  let child = await run(args);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  return {
    endpoint,
    stop,
    start: async () => {
      child = await run(args);
    },
    dispose: async () => {
      await stop();
      await rm(path, { recursive: true });
    },
  };
}

async function run(args: string[]): Promise<ChildProcess> {
  const child = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (!line.includes('serving')) continue;
    child.stderr.resume();
    return child;
  }
  throw new Error(`etcd did not start:\n${said.join('\n')}`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  while (servers.length < count) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}
