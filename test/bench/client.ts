import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

/** A bare client over HTTP/1.1 with keep-alive, so that no library colours the figures. */
export class Client {
  readonly #host: string;
  readonly #port: number;
  readonly #tls: { ca: Buffer; cert: Buffer; key: Buffer };
  readonly #agent: Agent;

  constructor(kubeconfig: string, connections: number) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { cluster } = config.clusters[0];
    const { user } = config.users[0];
    const { hostname, port } = new URL(cluster.server);
    this.#host = hostname;
    this.#port = Number(port);
    this.#tls = {
      ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
      cert: Buffer.from(user['client-certificate-data'], 'base64'),
      key: Buffer.from(user['client-key-data'], 'base64'),
    };
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, ...this.#tls });
  }

  call(method: string, path: string, body?: object, type = 'application/json'): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const data = body && Buffer.from(JSON.stringify(body));
      const headers = {
        accept: 'application/json',
        ...(data && { 'content-type': type, 'content-length': data.length }),
      };
      const options = {
        host: this.#host,
        port: this.#port,
        path,
        method,
        agent: this.#agent,
        headers,
      };
      const sent = request(options, response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const answer = Buffer.concat(chunks);
          const code = response.statusCode ?? 0;
          if (code < 400) resolve(answer);
          else reject(new Error(`${method} ${path}: ${code} ${answer.toString().slice(0, 200)}`));
        });
      });
      sent.on('error', reject);
      sent.end(data);
    });
  }

  /** Calls `onEvent` with each event; resolves to what ends it when the headers are there. */
  watch(path: string, onEvent: (event: WatchEvent) => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const options = {
        host: this.#host,
        port: this.#port,
        path,
        agent: false as const,
        ...this.#tls,
      };
      const sent = request(options, response => {
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) onEvent(JSON.parse(line) as WatchEvent);
        });
        response.on('error', () => undefined);
        resolve(() => void sent.destroy());
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

export interface WatchEvent {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name: string };
    readonly spec?: { readonly nodeName?: string };
    readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
  };
}

interface Kubeconfig {
  readonly clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

/** Runs `work` for 0…count-1, so many at a time. */
export async function inParallel(
  count: number,
  workers: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(workers, count) }, run));
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
