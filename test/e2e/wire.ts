import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { parse } from 'yaml';

/** What a server answered. */
export interface Answer {
  readonly code: number;
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown;
}

/** Sends single HTTPS requests with a kubeconfig's credentials: nothing between test and server. */
export class Wire {
  readonly server: URL;
  readonly tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };

  constructor(kubeconfig: string) {
    const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const { cluster } = config.clusters[0];
    const { user } = config.users[0];
    this.server = new URL(cluster.server);
    this.tls = {
      ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
      cert: Buffer.from(user['client-certificate-data'], 'base64'),
      key: Buffer.from(user['client-key-data'], 'base64'),
    };
  }

  /** `body` as it is when it is a string, else as JSON. */
  send(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Answer> {
    const { hostname: host, port } = this.server;
    const data = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { accept: 'application/json', ...(data && { 'content-type': type }) };
    return new Promise((resolve, reject) => {
      const options = { host, port, path, method, headers, agent: false as const, ...this.tls };
      const sent = request(options, response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ code: response.statusCode ?? 0, body: toJson(text) });
        });
      });
      sent.on('error', reject);
      sent.end(data);
    });
  }
}

interface Kubeconfig {
  readonly clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
