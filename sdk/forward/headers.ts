import type { IncomingHttpHeaders } from 'node:http';

/** Headers by their lower-case names. */
export type ForwardedHeaders = Record<string, string | string[]>;

/**
 * What of a client's headers a backend gets: nothing that is about the connection between the two
 * of us, and nothing that the client proved itself with here, or that says who it is.
 */
export function requestHeaders(headers: IncomingHttpHeaders): ForwardedHeaders {
  const kept = endToEnd(headers);
  for (const name of Object.keys(kept)) {
    if (CREDENTIALS.has(name) || CREDENTIAL_PREFIXES.some(each => name.startsWith(each))) {
      delete kept[name];
    }
  }
  const authority = headers[':authority'];
  if (typeof authority === 'string') kept.host = authority;
  return kept;
}

/** What of a backend's headers the client gets. */
export function answerHeaders(headers: IncomingHttpHeaders): ForwardedHeaders {
  return endToEnd(headers);
}

/** Without those of one hop (RFC 9110, 7.6.1) and HTTP/2's own. */
function endToEnd(headers: IncomingHttpHeaders): ForwardedHeaders {
  const named = String(headers.connection ?? '')
    .split(',')
    .map(each => each.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  const kept: ForwardedHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !dropped.has(name)) kept[name] = value;
  }
  return kept;
}

const HOP_BY_HOP = [
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

const CREDENTIALS: ReadonlySet<string> = new Set([
  'authorization',
  'x-remote-group',
  'x-remote-uid',
  'x-remote-user',
]);
const CREDENTIAL_PREFIXES = ['impersonate-', 'x-remote-extra-'];
