import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGunzip, createInflate } from 'node:zlib';
import {
  type AnswerHead,
  BackendError,
  type ChangedAnswer,
  type ConnectRequest,
  type Exchange,
  type ForwardOptions,
  formatHostPort,
  forward,
  serviceUnavailable,
} from 'kernetes/sdk';
import type { Location } from './locate.ts';
import { LinkRewriter, rewriteUrl, type UrlChange } from './rewrite.ts';

export interface ProxyCall {
  readonly request: ConnectRequest;
  readonly exchange: Exchange;
  readonly location: Location;
}

/** Passes an exchange on to its location. Rejects with what the client is to be told. */
export async function serveProxy(call: ProxyCall, options: ForwardOptions): Promise<void> {
  const { request, exchange, location } = call;
  const { path, query } = request;
  const { method = 'GET' } = exchange.request;
  const own = pathOf(exchange.request.url ?? '/');
  const search = query ? `?${query}` : '';
  if (path === '' && !exchange.upgrade && (method === 'GET' || method === 'HEAD')) {
    redirect(exchange, `${own}/${search}`);
    return;
  }
  const prefix = own.slice(0, own.length - path.length);
  const host = hostOf(exchange.request);
  const change = { prefix, hosts: new Set([host, formatHostPort(location)]) };
  const target = {
    ...location,
    path: `${path || '/'}${search}`,
    headers: {
      'x-forwarded-for': forwardedFor(exchange.request),
      'x-forwarded-uri': `${prefix}${path}`,
    },
    answer: (head: AnswerHead) => changeAnswer(head, change, method),
  };
  try {
    await forward(exchange, target, options);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw serviceUnavailable(`error trying to reach service: ${error.message}`);
  }
}

/** Else relative links of the page would lead beside it. */
function redirect({ response }: Exchange, location: string): void {
  const answer = response as ServerResponse;
  answer.writeHead(301, { location });
  answer.end();
}

/** Without the query, and without the origin that clients of proxies send. */
function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const mark = path.indexOf('?');
  return mark < 0 ? path : path.slice(0, mark);
}

function hostOf({ headers }: Exchange['request']): string {
  return String(headers[':authority'] ?? headers.host ?? '');
}

function forwardedFor(request: Exchange['request']): string {
  const { remoteAddress = '' } = (request as IncomingMessage).socket;
  const before = request.headers['x-forwarded-for'];
  return [...(before ? [before].flat() : []), remoteAddress].join(', ');
}

function changeAnswer(head: AnswerHead, change: UrlChange, method: string): ChangedAnswer {
  const headers = { ...head.headers };
  for (const name of CORS) delete headers[name];
  const { location } = headers;
  if (typeof location === 'string') {
    return { headers: { ...headers, location: rewriteUrl(location, change) }, through: [] };
  }
  const type = String(headers['content-type'] ?? '').split(';', 1)[0];
  const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase();
  const decode = DECODERS.get(encoding);
  if (type?.trim().toLowerCase() !== 'text/html' || !decode) return { headers, through: [] };
  delete headers['content-length'];
  delete headers['content-encoding'];
  const hasBody = method !== 'HEAD' && head.status !== 204 && head.status !== 304;
  return { headers, through: hasBody ? [...decode(), new LinkRewriter(change)] : [] };
}

/** What the page was encoded with; one in another way is not changed. */
const DECODERS: ReadonlyMap<string, () => NodeJS.ReadWriteStream[]> = new Map([
  ['identity', () => []],
  ['gzip', () => [createGunzip()]],
  ['deflate', () => [createInflate()]],
]);

/** A backend may not open the API server to pages of other origins. */
const CORS = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
];
