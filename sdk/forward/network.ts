import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { ClusterNetwork, NetworkAnswer, NetworkHeaders } from '../cluster-network.ts';
import type { Exchange } from '../connect.ts';
import type { Contributions } from '../extension.ts';
import { ApiError } from '../status.ts';
import { sendAnswer } from './answer.ts';
import { BackendError, type HostPort, NO_TLS, refused, TLS_WANTED } from './failure.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { formatHostPort, type Target } from './target.ts';

/** The network that knows the address; rejects with a `BackendError` when it refuses connections. */
export async function networkOf(
  { host, port, scheme }: Pick<Target, 'host' | 'port' | 'scheme'>,
  networks: Contributions<ClusterNetwork>,
): Promise<ClusterNetwork | undefined> {
  let isRefused = false;
  for (const { value } of networks.list()) {
    const finding = await value.find({ ip: host, port });
    if (finding === 'http' && scheme === 'https') throw new BackendError(NO_TLS);
    if (finding === 'https' && scheme === 'http') throw new BackendError(TLS_WANTED);
    if (finding === 'http' || finding === 'https') return value;
    isRefused ||= finding === 'refused';
  }
  if (isRefused) throw refused({ host, port });
  return undefined;
}

/**
 * For who needs a connection of its own, over TLS that it verifies: rejects with a `BackendError`
 * where only a network knows the address, for a real connection would reach somebody else.
 */
export async function refuseSimulated(
  target: HostPort,
  networks: Contributions<ClusterNetwork>,
): Promise<void> {
  if ((await networkOf({ ...target, scheme: 'https' }, networks)) === undefined) return;
  throw new BackendError(
    `what listens on ${formatHostPort(target)} is simulated and shows no certificate`,
  );
}

/** One exchange, whole: nothing simulated streams, or goes on with another protocol. */
export async function answerFromNetwork(
  network: ClusterNetwork,
  exchange: Exchange,
  target: Target,
): Promise<void> {
  const { request, response } = exchange;
  const { method = 'GET' } = request;
  const { host: ip, port, path } = target;
  const headers: NetworkHeaders = { ...requestHeaders(request.headers), ...target.headers };
  const body = exchange.upgrade ? new Uint8Array() : await read(request as IncomingMessage);
  let answer: NetworkAnswer;
  try {
    answer = await network.request({ ip, port, method, path, headers, body });
  } catch (cause) {
    throw new BackendError('EOF', { cause });
  }
  const { status } = answer;
  const head = { status, headers: answerHeaders({ ...answer.headers } as never) };
  const client = response as ServerResponse;
  if (client.headersSent || client.destroyed) return;
  sendAnswer(client, head, { target, body: new PassThrough().end(answer.body) });
}

async function read(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): ApiError {
  const message = `Request entity too large: limit is ${BODY_BYTES_MAX}`;
  return new ApiError({ message, reason: 'RequestEntityTooLarge', code: 413 });
}

/** What is simulated does not stream; the API server's own bound for bodies. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;
