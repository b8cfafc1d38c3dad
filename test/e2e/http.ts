import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { request } from 'node:https';
import { parse } from 'yaml';

export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is when it is text or bytes, else as JSON. */
  readonly body?: unknown;
}

/** An answer as it came. */
export interface Reply {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a client shows to the server. */
export interface Tls {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** A client so bare that nothing is between the test and the server; a connection a call. */
export class Http {
  readonly server: URL;
  readonly tls: Tls;

  constructor(server: URL, tls: Tls) {
    this.server = server;
    this.tls = tls;
  }

  /** With a kubeconfig's server and credentials. */
  static of(kubeconfig: string): Http {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const [{ cluster }] = clusters;
    const [{ user }] = users;
    return new Http(new URL(cluster.server), {
      ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
      cert: Buffer.from(user['client-certificate-data'], 'base64'),
      key: Buffer.from(user['client-key-data'], 'base64'),
    });
  }

  /** The same without credentials. */
  anonymous(): Http {
    return new Http(this.server, { ca: this.tls.ca });
  }

  async call(method: string, path: string, call: Call = {}): Promise<Reply> {
    const response = await this.open(method, path, call);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const { statusCode: code = 0, headers } = response;
    return { code, headers, body: Buffer.concat(chunks) };
  }

  /** The parsed answer to a request that must succeed. */
  async json<T = Fields>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
    const headers = type ? { 'content-type': type } : {};
    const reply = await this.call(method, path, { body, headers });
    if (reply.code >= 300) throw new Error(`${method} ${path}: ${reply.code} ${reply.body}`);
    return jsonOf<T>(reply);
  }

  /** The answer's beginning; its body is the caller's to read. */
  async open(method: string, path: string, { headers, body }: Call = {}): Promise<IncomingMessage> {
    const { hostname: host, port } = this.server;
    const plain = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const data = Buffer.from((plain ? body : JSON.stringify(body)) ?? '');
    // Node gives the body of a DELETE no length, which leaves it to be taken for another request.
    const entity = { 'content-type': 'application/json', 'content-length': data.length };
    const sent = request({
      host,
      port,
      path,
      method,
      agent: false,
      headers: { ...(data.length > 0 && entity), ...headers },
      ...this.tls,
    });
    sent.end(data);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  async watch(path: string, headers?: Readonly<Record<string, string>>): Promise<Watch> {
    const response = await this.open('GET', path, headers ? { headers } : {});
    return new Watch(response);
  }

  /** An HTTP/2 connection; the caller closes it. */
  session(): ClientHttp2Session {
    return connect(this.server, { ...this.tls, settings: { initialWindowSize: 65_535 } });
  }
}

/** The frames of a watch, one after another. */
export class Watch {
  readonly code: number;
  readonly #response: IncomingMessage;
  readonly #frames: AsyncGenerator<Frame, undefined>;

  constructor(response: IncomingMessage) {
    this.code = response.statusCode ?? 0;
    this.#response = response;
    this.#frames = framesOf(response);
  }

  /** The next frame; undefined: the server ended the watch. */
  async next(): Promise<Frame | undefined> {
    return (await this.#frames.next()).value;
  }

  /** As many frames as `<type> <name>`. */
  async told(count: number): Promise<string[]> {
    const told: string[] = [];
    while (told.length < count) {
      const frame = await this.next();
      if (frame === undefined) throw new Error(`The watch ended after ${told.join(', ')}`);
      told.push(`${frame.type} ${frame.object.metadata?.name}`);
    }
    return told;
  }

  close(): void {
    this.#response.destroy();
  }
}

export interface Frame {
  readonly type: string;
  readonly object: Fields;
}

/** The members of answers that tests look at; each has some of them. */
export interface Fields {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly continue?: string;
    readonly remainingItemCount?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly items?: readonly Fields[];
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly causes?: readonly { reason: string; field?: string; message: string }[];
    readonly retryAfterSeconds?: number;
  };
  readonly columnDefinitions?: readonly { readonly name: string }[] | null;
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object?: Fields }[];
}

export function jsonOf<T = Fields>({ body }: Reply): T {
  return JSON.parse(body.toString()) as T;
}

/** A refusal, as every client reads it. */
export function assertStatus(reply: Reply, code: number, reason: string, message = /./): void {
  assert.equal(reply.code, code, reply.body.toString());
  const status = jsonOf(reply);
  assert.deepEqual([status.kind, status.apiVersion], ['Status', 'v1']);
  assert.deepEqual([status.status, status.reason, status.code], ['Failure', reason, code]);
  assert.match(status.message ?? '', message);
}

async function* framesOf(response: IncomingMessage): AsyncGenerator<Frame, undefined> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const text of response) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Frame;
  }
  return undefined;
}

interface Kubeconfig {
  readonly clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}
