import type { IncomingMessage } from 'node:http';
import {
  type APIService,
  backendError,
  type Clock,
  type ClusterNetwork,
  type Contributions,
  FRONT_PROXY_NAME,
  type FrontProxy,
  formatHostPort,
  refuseSimulated,
  type Target,
  type User,
} from 'kernetes/sdk';
import { userHeaders } from './user-headers.ts';

export interface BackendOptions {
  readonly clock: Clock;
  readonly networks: Contributions<ClusterNetwork>;
  readonly frontProxies: Contributions<FrontProxy>;
}

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** How a server that serves a group version is reached, and that it is the right one. */
export async function targetOf(
  { spec }: APIService,
  { ip, port }: Endpoint,
  { frontProxies }: Pick<BackendOptions, 'frontProxies'>,
): Promise<Omit<Target, 'path' | 'headers'>> {
  const { service, caBundle = '', insecureSkipTLSVerify = false } = spec ?? {};
  const credentials = frontProxies.list()[0]?.value.credentials();
  return {
    scheme: 'https',
    host: ip,
    port,
    tls: {
      servername: `${service?.name}.${service?.namespace}.svc`,
      ...(!insecureSkipTLSVerify && { ca: await trustOf(caBundle) }),
      ...credentials,
    },
  };
}

/** Without a bundle, what the machine trusts. */
async function trustOf(caBundle: string): Promise<string> {
  if (caBundle !== '') return Buffer.from(caBundle, 'base64').toString();
  const { rootCertificates } = await import('node:tls');
  return rootCertificates.join('\n');
}

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** Asks in the name of a user. Rejects with a `BackendError`, and when the answer has no end. */
export async function ask(
  target: Omit<Target, 'headers'>,
  user: User,
  { clock, networks }: BackendOptions,
): Promise<Answer> {
  const { host, port, path, tls } = target;
  try {
    await refuseSimulated({ host, port }, networks);
    const { request } = await import('node:https');
    return await new Promise<Answer>((resolve, reject) => {
      const sent = request({
        host,
        port,
        path,
        agent: false,
        headers: { ...userHeaders(user), accept: 'application/json', host: hostOf(target) },
        ...(tls?.servername && { servername: tls.servername }),
        ...(tls?.ca ? { ca: tls.ca } : { rejectUnauthorized: false }),
        ...(tls?.certificate && tls.key && { cert: tls.certificate, key: tls.key }),
      });
      const timer = clock.setTimeout(() => {
        sent.destroy(new Error('context deadline exceeded'));
      }, ASK_TIMEOUT_MS);
      sent.once('close', () => timer.cancel());
      sent.once('error', reject);
      sent.once('response', response => void read(response).then(resolve, reject));
      sent.end();
    });
  } catch (error) {
    throw backendError(error, { host, port });
  }
}

export function hostOf({ tls, host, port }: Pick<Target, 'tls' | 'host' | 'port'>): string {
  return formatHostPort({ host: tls?.servername ?? host, port });
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX}`);
    chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = response;
  return { status, type: headers['content-type'] ?? '', body: Buffer.concat(chunks) };
}

/** Whom the aggregator is when nobody asks it to ask. */
export const AGGREGATOR: User = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** Who extension servers must believe; see the ConfigMap. */
export const ALLOWED_NAMES: readonly string[] = [FRONT_PROXY_NAME];

/** Upstream's for its checks. */
const ASK_TIMEOUT_MS = 5_000;
/** Far more than the longest OpenAPI document of a group version. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
