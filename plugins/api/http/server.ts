import { type IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Door, Listening, ListenOptions, Logger } from 'kernetes/sdk';
import type { Handler } from './handler.ts';
import { type Identify, identifier } from './identity.ts';
import { type Response, respondError } from './respond.ts';
import type { Upgrade } from './websocket.ts';

export type Request = IncomingMessage | Http2ServerRequest;

export interface ServerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly handler: Handler;
  readonly closeTimeoutMs: number;
}

/** Listens with TLS for HTTP/1.1 and HTTP/2; rejects when the address cannot be had. */
export async function listen(
  door: Door,
  where: ListenOptions,
  options: ServerOptions,
): Promise<Listening> {
  const server = createSecureServer({
    cert: where.certificate,
    key: where.key,
    ca: where.clientCa,
    requestCert: true,
    // Who has no certificate may have a token; who has a bad one is refused by `identify`.
    rejectUnauthorized: false,
    allowHTTP1: true,
    // With the default of 10 MB new streams are refused while large lists are unread.
    maxSessionMemory: SESSION_MEMORY_MB,
    settings: { maxConcurrentStreams: STREAMS_MAX },
  });
  const connections = track(server);
  const identify = identifier(door, options.clock);
  server.on('request', (request, response) => {
    serve(request, response, identify, options).catch((error: unknown) => {
      options.log.error('Cannot answer a request', { error });
      response.destroy();
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const response = answerOn(request, socket);
    const upgrade = { request, socket, head, response };
    serve(request, response, identify, options, upgrade).catch((error: unknown) => {
      options.log.error('Cannot answer a request', { error });
      socket.destroy();
    });
  });
  await bind(server, where);
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The listener has no address');
  return {
    host: where.host,
    port: address.port,
    close: () => close(server, connections, options),
  };
}

async function serve(
  request: Request,
  response: Response,
  identify: Identify,
  { handler }: ServerOptions,
  upgrade?: Upgrade,
): Promise<void> {
  try {
    await handler(request, response, await identify(request), upgrade);
  } catch (error) {
    if (response.headersSent) throw error;
    respondError(response, error);
  }
}

/**
 * A request that asks for another protocol, and does not get it, is answered as any other; its
 * connection ends then, since nobody reads further requests from it.
 */
function answerOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once('finish', () => socket.end());
  // A client that goes away is no failure of ours.
  socket.on('error', () => undefined);
  return response;
}

function bind(server: Http2SecureServer, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

interface Connections {
  readonly sockets: Set<Socket>;
  readonly sessions: Set<ServerHttp2Session>;
}

function track(server: Http2SecureServer): Connections {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', socket => socket.setNoDelay(true));
  server.on('session', session => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  // A client that breaks the TLS handshake is its own problem.
  server.on('tlsClientError', () => undefined);
  return { sockets, sessions };
}

/** Running requests get a moment to end; then their connections are cut. */
function close(
  server: Http2SecureServer,
  { sockets, sessions }: Connections,
  { clock, closeTimeoutMs }: ServerOptions,
): Promise<void> {
  return new Promise(resolve => {
    const timer = clock.setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, closeTimeoutMs);
    server.close(() => {
      timer.cancel();
      resolve();
    });
    for (const session of sessions) session.close();
    for (const socket of sockets) {
      if (isIdle(socket)) socket.destroy();
    }
  });
}

/** A connection with no request under way has nothing written that is not sent. */
function isIdle(socket: Socket): boolean {
  const parser = (socket as { _httpMessage?: unknown })._httpMessage;
  return parser === null && socket.writableLength === 0;
}

const SESSION_MEMORY_MB = 1_000;
/** kube-apiserver's own default. */
const STREAMS_MAX = 250;
const BACKLOG = 1_024;
