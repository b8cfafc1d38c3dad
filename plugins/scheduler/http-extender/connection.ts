import type { IncomingMessage } from 'node:http';
import type { Agent, AgentOptions } from 'node:https';
import type { Clock } from 'kernetes/sdk';

export interface ConnectionSetting {
  /** With its scheme. */
  readonly urlPrefix: string;
  /** Without a CA then, the server's certificate is not verified: upstream's rule. */
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: TlsConfig;
  readonly httpTimeoutMs?: number;
}

/** As upstream has it: the data of each, base64, or its file. */
export interface TlsConfig {
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caData?: string;
  readonly certData?: string;
  readonly keyData?: string;
}

const TIMEOUT_MS_DEFAULT = 5_000;
/** Pods of a batch are asked about at the same time, so many at most. */
const REQUESTS_MAX = 16;
/** An answer about 5,000 nodes with all that is known of them has some 20 MB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Posts JSON to one extender. */
export class Connection {
  readonly urlPrefix: string;
  readonly timeoutMs: number;
  readonly #setting: ConnectionSetting;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #agent: Promise<Agent> | undefined;

  constructor(setting: ConnectionSetting, clock: Clock) {
    this.urlPrefix = setting.urlPrefix.replace(/\/+$/, '');
    this.timeoutMs = setting.httpTimeoutMs ?? TIMEOUT_MS_DEFAULT;
    this.#setting = setting;
    this.#clock = clock;
  }

  async post(verb: string, body: unknown): Promise<unknown> {
    await this.#turn();
    try {
      return await this.#send(`${this.urlPrefix}/${verb}`, verb, JSON.stringify(body));
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    (await this.#agent)?.destroy();
  }

  async #turn(): Promise<void> {
    while (this.#running >= REQUESTS_MAX) {
      await new Promise<void>(resolve => void this.#waiting.push(resolve));
    }
    this.#running++;
  }

  async #send(url: string, verb: string, body: string): Promise<unknown> {
    const aborter = new AbortController();
    const late = () => aborter.abort(new Error(`no answer within ${this.timeoutMs} ms`));
    const timer = this.#clock.setTimeout(late, this.timeoutMs);
    try {
      this.#agent ??= makeAgent(this.#setting);
      const agent = await this.#agent;
      const { request } = await (url.startsWith('https:')
        ? import('node:https')
        : import('node:http'));
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const { signal } = aborter;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = request(url, { method: 'POST', agent, headers, signal }, resolve);
        sent.once('error', reject);
        sent.end(body);
      });
      const text = await read(response);
      if (response.statusCode === 200) return JSON.parse(text);
      throw new Error(`code ${response.statusCode}`);
    } catch (error) {
      const why = aborter.signal.aborted ? aborter.signal.reason : error;
      const said = why instanceof Error ? why.message : String(why);
      throw new Error(`failed ${verb} with extender at URL ${url}: ${said}`, { cause: error });
    } finally {
      timer.cancel();
    }
  }
}

async function makeAgent(setting: ConnectionSetting): Promise<Agent> {
  const options = { keepAlive: true, maxSockets: REQUESTS_MAX };
  if (!setting.urlPrefix.startsWith('https:')) {
    const { Agent: Plain } = await import('node:http');
    return new Plain(options) as Agent;
  }
  const { Agent: Secure } = await import('node:https');
  return new Secure({ ...options, ...(await tlsOptions(setting)) });
}

async function tlsOptions({ enableHTTPS, tlsConfig = {} }: ConnectionSetting) {
  const [ca, cert, key] = await Promise.all([
    pemOf(tlsConfig.caData, tlsConfig.caFile),
    pemOf(tlsConfig.certData, tlsConfig.certFile),
    pemOf(tlsConfig.keyData, tlsConfig.keyFile),
  ]);
  const isTrusted = tlsConfig.insecure === true || (enableHTTPS === true && ca === undefined);
  const { serverName } = tlsConfig;
  return {
    rejectUnauthorized: !isTrusted,
    ...(serverName && { servername: serverName }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  } satisfies AgentOptions;
}

async function pemOf(data: string | undefined, file: string | undefined) {
  if (data) return Buffer.from(data, 'base64').toString();
  if (!file) return undefined;
  const { readFile } = await import('node:fs/promises');
  return readFile(file, 'utf8');
}

async function read(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response) {
    size += (part as Buffer).length;
    if (size > ANSWER_BYTES_MAX)
      throw new Error(`its answer has more than ${ANSWER_BYTES_MAX} bytes`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString();
}
