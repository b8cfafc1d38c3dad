import type { ServerResponse } from 'node:http';
import type { Clock } from 'kernetes/sdk';
import type { Response } from './send.ts';
import type { Request } from './server.ts';

/**
 * Who is answered before his body was read may stop sending it. On HTTP/2 he is told so; on
 * HTTP/1.1 there is no way to: he gets a moment to notice, then the connection is cut. Cut at once,
 * it might take the answer with it.
 */
export function endUnread(request: Request, response: Response, clock: Clock): void {
  if (request.method === 'GET' || request.method === 'HEAD') {
    if (request.headers['content-length'] === undefined && !isChunked(request)) return;
  }
  (response as ServerResponse).once('finish', () => {
    if (request.complete) return;
    if ('stream' in request) {
      if (!request.stream.endAfterHeaders) request.stream.close(NO_ERROR);
      return;
    }
    request.resume();
    // The request, not its connection: Node tells a request that was answered of no end.
    const timer = clock.setTimeout(() => request.destroy(), LINGER_MS);
    request.once('close', () => timer.cancel());
    if (/\bclose\b/i.test(request.headers.connection ?? '')) {
      request.once('end', () => request.socket.end());
    }
  });
}

/**
 * Before an answer that comes early: of a client that wants no other, the connection would be cut
 * with the answer.
 */
export function keepUntilRead(response: Response): void {
  if ('shouldKeepAlive' in response && !response.req.complete) response.shouldKeepAlive = true;
}

function isChunked(request: Request): boolean {
  return request.headers['transfer-encoding'] !== undefined;
}

/** RFC 9113: the answer is whole, the rest of the request is not needed. */
const NO_ERROR = 0;
/** How long one who was answered may go on sending. */
export const LINGER_MS = 1_000;
