import type { IncomingMessage } from 'node:http';
import type { Agent, RequestOptions } from 'node:https';
import type { WebhookClientConfig } from '../api/types-admissionregistration-v1.ts';
import type { Clock } from '../clock.ts';
import type { ClusterNetwork } from '../cluster-network.ts';
import type { Contributions } from '../extension.ts';
import { backendError, type HostPort } from '../forward/failure.ts';
import { refuseSimulated } from '../forward/network.ts';
import type { FindService } from './service-address.ts';

export interface WebhookClientOptions {
  readonly clock: Clock;
  readonly findService: FindService;
  /** Their addresses are not called. */
  readonly networks: Contributions<ClusterNetwork>;
}

export interface WebhookCall {
  readonly config: WebhookClientConfig;
  /** JSON. */
  readonly body: string;
  readonly timeoutMs: number;
}

/**
 * Posts JSON to servers that objects of the cluster name, over HTTPS, verified by the CA that is
 * named with them, on connections that are kept. Rejects with an `Error` whose message is like
 * upstream's.
 */
export class WebhookClient {
  readonly #options: WebhookClientOptions;
  readonly #agents = new Map<string, Agent>();

  constructor(options: WebhookClientOptions) {
    this.#options = options;
  }

  /** The parsed body of the answer. */
  async post(call: WebhookCall): Promise<unknown> {
    const { code, text } = await this.#send(targetOf(call), call);
    if (code < 200 || code >= 300) throw new Error(refusalText(code, text));
    return parse(text);
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #send(target: Target, call: WebhookCall): Promise<Answer> {
    const { clock } = this.#options;
    const aborter = new AbortController();
    const { signal } = aborter;
    const late = () => aborter.abort(new Error('context deadline exceeded'));
    const timer = clock.setTimeout(late, call.timeoutMs);
    let address = ownAddress(target);
    try {
      address = await orAborted(this.#locate(call.config, address), signal);
      const { request, Agent } = await import('node:https');
      const agent = this.#agent(call.config, target.url, Agent);
      const options = { ...requestOptions(target, call.body), agent };
      return await new Promise((resolve, reject) => {
        const sent = request({ ...options, ...address, signal }, response => {
          read(response).then(resolve, reject);
        });
        sent.once('error', reject);
        sent.end(call.body);
      });
    } catch (error) {
      const { message } = backendError(signal.aborted ? signal.reason : error, address);
      throw new Error(`Post ${JSON.stringify(target.text)}: ${message}`, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  async #locate({ service }: WebhookClientConfig, own: HostPort): Promise<HostPort> {
    const { findService, networks } = this.#options;
    const address = service ? await findService(service) : own;
    await refuseSimulated(address, networks);
    return address;
  }

  /** Synchronous, so that calls at the same time share one. */
  #agent({ caBundle = '' }: WebhookClientConfig, { host }: URL, Constructor: typeof Agent): Agent {
    const id = `${host} ${caBundle}`;
    let agent = this.#agents.get(id);
    if (agent === undefined) {
      const ca = caBundle && Buffer.from(caBundle, 'base64').toString();
      const options = { keepAlive: true, maxFreeSockets: FREE_SOCKETS_MAX, ...(ca && { ca }) };
      agent = new Constructor(options);
      this.#forgetOldest();
    } else this.#agents.delete(id);
    this.#agents.set(id, agent);
    return agent;
  }

  #forgetOldest(): void {
    if (this.#agents.size < AGENTS_MAX) return;
    const [oldest] = this.#agents;
    if (oldest === undefined) return;
    this.#agents.delete(oldest[0]);
    oldest[1].destroy();
  }
}

interface Target {
  readonly url: URL;
  /** As upstream writes it: the port of a service is there even if it is the usual one. */
  readonly host: string;
  readonly text: string;
}

/** A service is called by the name that its certificate must have. */
function targetOf({ config, timeoutMs }: WebhookCall): Target {
  const { url: given, service } = config;
  const { name, namespace, port = 443, path = '' } = service ?? {};
  const url = new URL(given ?? `https://${name}.${namespace}.svc:${port}${path}`);
  url.search = `timeout=${Math.ceil(timeoutMs / 1_000)}s`;
  const host = service ? `${url.hostname}:${port}` : url.host;
  return { url, host, text: `https://${host}${url.pathname}${url.search}` };
}

/** Where it is unless it is a service. */
function ownAddress({ url }: Target): HostPort {
  return { host: bare(url.hostname), port: Number(url.port) || 443 };
}

function requestOptions({ url, host }: Target, body: string): RequestOptions {
  return {
    method: 'POST',
    path: `${url.pathname}${url.search}`,
    servername: bare(url.hostname),
    headers: {
      host,
      accept: 'application/json',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  };
}

/** An IPv6 address without its brackets. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}

interface Answer {
  readonly code: number;
  readonly text: string;
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > RESPONSE_BYTES_MAX) {
      throw new Error(`the answer is longer than ${RESPONSE_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return { code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

/** What a client of the API would be told of such an answer. */
function refusalText(code: number, body: string): string {
  switch (code) {
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 503:
      return 'the server is currently unable to handle the request';
    default: {
      if (code < 500) return 'the server rejected our request for an unknown reason';
      const said = JSON.stringify(body.trim().slice(0, TOLD_LENGTH_MAX));
      return `an error on the server (${said}) has prevented the request from succeeding`;
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`couldn't get version/kind; json parse error: ${why}`, { cause: error });
  }
}

/** One for each server and CA that was called of late. */
const AGENTS_MAX = 100;
const FREE_SOCKETS_MAX = 16;
/** A patch of the largest object that is taken, with room for its encoding. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;
const TOLD_LENGTH_MAX = 1_024;
