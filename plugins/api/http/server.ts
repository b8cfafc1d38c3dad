import { type IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Door, Listening, ListenOptions } from 'kernetes/sdk';
import { checkLength } from './body.ts';
import { identifier } from './identity.ts';
import type { Response } from './send.ts';
import { createService, type ServeOptions } from './serve.ts';
import { endUnread, LINGER_MS } from './unread.ts';
import type { Upgrade } from './websocket.ts';

export type Request = IncomingMessage | Http2ServerRequest;

export interface ServerOptions extends Omit<ServeOptions, 'identify'> {
  readonly closeTimeoutMs: number;
  /** How long a client may take for its part of the TLS handshake. */
  readonly handshakeTimeoutMs?: number;
  /** How long for the headers of a request of HTTP/1.1. */
  readonly headersTimeoutMs?: number;
  /** How long it may keep a connection without a request. */
  readonly idleTimeoutMs?: number;
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
    handshakeTimeout: options.handshakeTimeoutMs ?? HANDSHAKE_MS,
    // With the default of 10 MB new streams are refused while large lists are unread.
    maxSessionMemory: SESSION_MEMORY_MB,
    settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX },
  });
  bound(server, options);
  const connections = track(server);
  const service = createService({ ...options, identify: identifier(door, options.clock) });
  const onRequest = (request: Request, response: Response, upgrade?: Upgrade) => {
    endUnread(request, response, options.clock);
    service.serve(request, response, upgrade).catch((error: unknown) => {
      options.log.error('Cannot answer a request', { error });
      (upgrade?.socket ?? response).destroy();
    });
  };
  server.on('request', onRequest);
  server.on('checkContinue', (request, response) => {
    if (isWelcome(request)) response.writeContinue();
    onRequest(request, response);
  });
  server.on('clientError', (error: Refused, socket) => refuse(error, socket, options.clock));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const response = answerOn(request, socket, options.clock);
    onRequest(request, response, { request, socket, head, response });
  });
  await bind(server, where);
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('The listener has no address');
  return {
    host: where.host,
    port: address.port,
    async close() {
      await close(server, connections, options);
      await service.ended();
    },
  };
}

interface Refused extends Error {
  readonly code?: string;
}

/** What is no request of HTTP/1.1. Cut at once, the connection would take the answer with it. */
function refuse({ code = '' }: Refused, socket: Duplex, clock: Clock): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.write(`HTTP/1.1 ${REFUSALS.get(code) ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
  endSoon(socket, clock);
}

/** A client that does not close its side in time is cut off. */
function endSoon(socket: Duplex, clock: Clock): void {
  socket.end();
  const timer = clock.setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => timer.cancel());
}

const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

/** Who asks before a body that is too long need not send it. */
function isWelcome(request: Request): boolean {
  try {
    checkLength(request);
    return true;
  } catch {
    return false;
  }
}

/** What no client may have for long without a request. */
function bound(server: Http2SecureServer, options: ServerOptions): void {
  const { clock, headersTimeoutMs = HEADERS_MS, idleTimeoutMs = IDLE_MS } = options;
  const http1 = server as Http2SecureServer & Http1Bounds;
  http1.maxHeaderSize = HEADER_BYTES_MAX;
  // Also of a connection that never asks anything.
  http1.headersTimeout = headersTimeoutMs;
  // Node looks at its connections from time to time only.
  http1.connectionsCheckingInterval = Math.min(headersTimeoutMs, CHECK_MS);
  // Bodies have the time of their requests; a proxied one has as long as it likes.
  http1.requestTimeout = 0;
  http1.keepAliveTimeout = idleTimeoutMs;
  server.maxConnections = CONNECTIONS_MAX;
  server.on('session', session => endIdle(session, clock, idleTimeoutMs));
}

/**
 * Looks at a connection once in the time that it may be idle for. Node's own timer of a session
 * holds on to it when it is gone.
 */
function endIdle(session: ServerHttp2Session, clock: Clock, idleTimeoutMs: number): void {
  let streams = 0;
  let isUsed = false;
  session.on('stream', stream => {
    streams++;
    isUsed = true;
    stream.once('close', () => void streams--);
  });
  const look = () => {
    if (streams === 0 && !isUsed) return session.destroy();
    isUsed = false;
    timer = clock.setTimeout(look, idleTimeoutMs);
  };
  let timer = clock.setTimeout(look, idleTimeoutMs);
  session.once('close', () => timer.cancel());
}

/** Of the HTTP/1.1 server within; the type does not show them. */
interface Http1Bounds {
  maxHeaderSize: number;
  headersTimeout: number;
  connectionsCheckingInterval: number;
  requestTimeout: number;
  keepAliveTimeout: number;
}

/**
 * A request that asks for another protocol, and does not get it, is answered as any other; its
 * connection ends then, since nobody reads further requests from it.
 */
function answerOn(request: IncomingMessage, socket: Duplex, clock: Clock): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once('finish', () => endSoon(socket, clock));
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
  // A client that breaks the TLS handshake is its own problem. Node leaves one who takes too long
  // for it connected.
  server.on('tlsClientError', (_, socket) => void socket.destroy());
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
/** Go's, which upstream leaves: a URL with a long selector fits. */
const HEADER_BYTES_MAX = 1024 * 1024;
/** Upstream's 32 seconds for the headers, 90 for a connection without a request. */
const HEADERS_MS = 32_000;
const IDLE_MS = 90_000;
/** Who is too slow is cut off so much later at most. */
const CHECK_MS = 5_000;
/** Keys and certificates travel in one or two round trips. */
const HANDSHAKE_MS = 10_000;
/** Each takes some 50 kB; a cluster of 5,000 nodes needs about two for each. */
const CONNECTIONS_MAX = 20_000;
