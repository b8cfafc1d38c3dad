import type { IncomingHttpHeaders } from 'node:http';
import { unauthorized } from 'kernetes/sdk';

/**
 * A browser can give a WebSocket no Authorization header: its token comes as a subprotocol, which
 * is taken out here. What is left is for the server to choose from, so there must be some. Returns
 * what the header would have said; throws Unauthorized.
 */
export function takeBearer(headers: IncomingHttpHeaders): string | undefined {
  const offered = headers[HEADER];
  if (!offered?.includes(PREFIX)) return undefined;
  const protocols = offered.split(',').map(each => each.trim());
  const tokens = protocols.filter(each => each.startsWith(PREFIX));
  const rest = protocols.filter(each => !each.startsWith(PREFIX));
  const [encoded = ''] = tokens.map(each => each.slice(PREFIX.length));
  if (tokens.length !== 1 || rest.length === 0 || !/^[A-Za-z0-9_-]+$/.test(encoded)) {
    throw unauthorized();
  }
  headers[HEADER] = rest.join(', ');
  return `Bearer ${Buffer.from(encoded, 'base64url').toString()}`;
}

const HEADER = 'sec-websocket-protocol';
const PREFIX = 'base64url.bearer.authorization.k8s.io.';
