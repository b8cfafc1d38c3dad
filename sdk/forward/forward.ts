import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { ClusterNetwork } from '../cluster-network.ts';
import type { Exchange } from '../connect.ts';
import type { Contributions } from '../extension.ts';
import { sendAnswer } from './answer.ts';
import { backendError, dialTimeout } from './failure.ts';
import { answerHeaders, requestHeaders } from './headers.ts';
import { answerFromNetwork, networkOf } from './network.ts';
import type { Target } from './target.ts';

export { BackendError, backendError, type HostPort } from './failure.ts';
export type { ForwardedHeaders } from './headers.ts';
export { refuseSimulated } from './network.ts';
export { type AnswerHead, type ChangedAnswer, formatHostPort, type Target } from './target.ts';

export interface ForwardOptions {
  readonly clock: Clock;
  /** Asked first. */
  readonly networks: Contributions<ClusterNetwork>;
}

/**
 * Lets a client talk to a backend: headers as a proxy must change them, bodies both ways as they
 * come, without end if need be, other protocols after an upgrade. When one side goes, the other is
 * closed. Rejects with a `BackendError` as long as nothing was written to the client; resolves when
 * the answer has begun.
 */
export async function forward(
  exchange: Exchange,
  target: Target,
  options: ForwardOptions,
): Promise<void> {
  const network = await networkOf(target, options.networks);
  if (network) return answerFromNetwork(network, exchange, target);
  // Node's clients are loaded when something is first forwarded.
  const { request } =
    target.scheme === 'https' ? await import('node:https') : await import('node:http');
  if (isGone(exchange)) return;
  const sent = request(requestOptions(exchange, target));
  await answered(sent, exchange, target, options.clock);
}

function requestOptions({ request, upgrade }: Exchange, target: Target): RequestOptions {
  const { headers } = request;
  const body = bodyOf(request);
  const { servername, ca, certificate, key } = target.tls ?? {};
  return {
    host: target.host,
    port: target.port,
    path: target.path,
    method: request.method ?? 'GET',
    agent: false,
    ...(servername && { servername }),
    ...(ca ? { ca } : { rejectUnauthorized: false }),
    ...(certificate && key && { cert: certificate, key }),
    headers: {
      ...requestHeaders(headers),
      ...target.headers,
      // A body of unknown length is framed anew: without a frame it would pass for more requests.
      ...(body === 'chunked' && { 'transfer-encoding': 'chunked' }),
      ...(upgrade && { connection: 'Upgrade', upgrade: headers.upgrade ?? '' }),
    },
  };
}

function bodyOf(request: Exchange['request']): 'none' | 'sized' | 'chunked' {
  if (Number(request.headers['content-length'] ?? 0) > 0) return 'sized';
  if ('stream' in request) return request.stream.endAfterHeaders ? 'none' : 'chunked';
  return request.headers['transfer-encoding'] === undefined ? 'none' : 'chunked';
}

function answered(
  sent: ClientRequest,
  exchange: Exchange,
  target: Target,
  clock: Clock,
): Promise<void> {
  const { request, response, upgrade } = exchange;
  return new Promise((resolve, reject) => {
    const dial = clock.setTimeout(() => sent.destroy(dialTimeout(target)), DIAL_TIMEOUT_MS);
    const connected = target.scheme === 'https' ? 'secureConnect' : 'connect';
    sent.once('socket', socket => socket.once(connected, () => dial.cancel()));
    const leave = () => sent.destroy();
    response.once('close', leave);
    upgrade?.socket.once('close', leave);
    sent.on('error', error => {
      dial.cancel();
      reject(backendError(error, target));
    });
    // Nobody is there any more to be told.
    sent.once('close', () => {
      dial.cancel();
      resolve();
    });
    sent.once('response', answer => {
      try {
        passOn(answer, exchange, target);
        resolve();
      } catch (error) {
        sent.destroy();
        reject(error);
      }
    });
    sent.once('upgrade', (answer, socket, head) => {
      if (upgrade === undefined) {
        socket.destroy();
        reject(backendError(new Error('it changes protocols unasked'), target));
        return;
      }
      switchOver(exchange, answer, { socket, head });
      resolve();
    });
    if (upgrade || bodyOf(request) === 'none') sent.end();
    else (request as IncomingMessage).pipe(sent);
  });
}

/** A backend that breaks off is told by breaking off. */
function passOn(answer: IncomingMessage, exchange: Exchange, target: Target): void {
  const { response } = exchange;
  if (isGone(exchange) || response.headersSent) {
    answer.destroy();
    return;
  }
  const status = answer.statusCode ?? 502;
  const head = { status, headers: answerHeaders(answer.headers) };
  // Both kinds of response take the same calls; their common type does not say so.
  const client = response as ServerResponse;
  sendAnswer(client, head, { target, body: answer });
  answer.once('error', () => client.destroy());
  answer.once('aborted', () => client.destroy());
}

/** From here on the two sides talk by themselves. */
function switchOver(
  { response, upgrade }: Exchange,
  answer: IncomingMessage,
  backend: { readonly socket: Duplex; readonly head: Buffer },
): void {
  const { socket, head } = backend;
  if (upgrade === undefined || upgrade.socket.destroyed) {
    socket.destroy();
    return;
  }
  const client = upgrade.socket;
  (response as ServerResponse).detachSocket(client as Socket);
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`];
  const { rawHeaders } = answer;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  client.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (head.length > 0) client.write(head);
  if (upgrade.head.length > 0) socket.write(upgrade.head);
  for (const [one, other] of [
    [client, socket],
    [socket, client],
  ] as const) {
    one.pipe(other);
    one.once('close', () => other.destroy());
    // It is closed after it.
    one.on('error', () => undefined);
  }
}

function isGone({ response, upgrade }: Exchange): boolean {
  return upgrade ? upgrade.socket.destroyed : (response as ServerResponse).destroyed;
}

/** Upstream's transports'. */
const DIAL_TIMEOUT_MS = 30_000;
