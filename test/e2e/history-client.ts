import { Agent, request } from 'node:https';
import type { Data, Version, Write } from './history.ts';
import { Http, type Reply } from './http.ts';

/** One connection, kept alive until it is dropped. */
export class Client {
  readonly #kubeconfig: string;
  #http: Http | undefined;
  #agent: Agent | undefined;

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  write(
    verb: Write['verb'],
    name: string,
    { sets, expected, drop }: { sets: Data; expected: number | undefined; drop: boolean },
  ): Promise<Reply> {
    const metadata = { name, ...(expected && { resourceVersion: String(expected) }) };
    switch (verb) {
      case 'create':
        return this.call('POST', PATH, { metadata, data: sets }, drop);
      case 'update':
        return this.call('PUT', `${PATH}/${name}`, { metadata, data: sets }, drop);
      case 'patch':
        return this.call('PATCH', `${PATH}/${name}`, { data: sets }, drop);
      case 'delete':
        return this.call('DELETE', `${PATH}/${name}`, undefined, drop);
    }
  }

  /** Rejects when the connection breaks. `drop`: we break it once the request is sent. */
  call(method: string, path: string, body?: object, drop = false): Promise<Reply> {
    // After a restart the address may be another.
    this.#http ??= Http.of(this.#kubeconfig);
    const { server, tls } = this.#http;
    this.#agent ??= new Agent({ keepAlive: true, maxSockets: 1, ...tls });
    const data = body && Buffer.from(JSON.stringify(body));
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = data && { 'content-type': type, 'content-length': data.length };
    return new Promise<Reply>((resolve, reject) => {
      const options = { host: server.hostname, port: server.port, method, path };
      const sent = request({ ...options, agent: this.#agent, headers: headers ?? {} }, response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: code = 0, headers: got } = response;
          resolve({ code, headers: got, body: Buffer.concat(chunks) });
        });
      });
      sent.on('error', reject);
      sent.end(data, () => {
        if (drop) setImmediate(() => sent.destroy(new Error('Dropped')));
      });
    }).catch((error: unknown) => {
      this.close();
      throw error;
    });
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
    this.#http = undefined;
  }
}

export interface ConfigMap {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly data?: Data;
}

export function versionOf({ metadata, data = {} }: ConfigMap): Version {
  const { name, uid, resourceVersion } = metadata;
  return { name, uid, revision: Number(resourceVersion), data };
}

/** Of a connection that broke, by us or by the end of the server. */
export function isConnectionError(error: unknown): boolean {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  return /^E(CONN|PIPE)/.test(code) || /aborted|hang up|Dropped|premature/i.test(message);
}

export const PATH = '/api/v1/namespaces/default/configmaps';
/** Others, which the cluster makes for itself, are left out. */
export const NAMES = ['one', 'two', 'three', 'four', 'five', 'six'];
