import type { Door, Route, RouteRequest, User } from 'kernetes/sdk';
import type { Call } from './call.ts';
import { type Connections, exchangeOf, remoteVersionAt } from './connect.ts';
import { type Response, write } from './send.ts';

export interface Routes extends Connections {
  readonly door: Door;
  readonly routes: () => readonly Route[];
}

/** What is no resource: discovery, health, metrics, and what another server has there. */
export async function serveRoute(
  options: Routes,
  { request, response, upgrade, path, query, verb, trail }: Call,
  user: User,
): Promise<void> {
  await options.door.authorize({ user, verb, path }, trail?.annotations);
  const remote = remoteVersionAt(options, path);
  if (remote) return remote.connect(user, exchangeOf(request, response, upgrade));
  const route = findRoute(options.routes(), path);
  if (route === undefined) return writeNoPage(response);
  // HTTP/2's pseudo-headers (`:path`) are no headers to a route.
  const headers = Object.entries(request.headers).filter(([name]) => !name.startsWith(':'));
  const asked: RouteRequest = {
    method: request.method ?? 'GET',
    path,
    query,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, [value].flat().join(', ')])),
    user,
  };
  const { code, headers: sent, body } = await route.handle(asked);
  if (response.headersSent) return;
  for (const [name, value] of Object.entries(sent)) response.setHeader(name, value);
  const type = String(response.getHeader('content-type') ?? 'application/json');
  write(response, code, type, typeof body === 'string' ? Buffer.from(body) : body);
}

/** What is no path of the API at all gets no Status, as upstream. */
export function writeNoPage(response: Response): void {
  write(response, 404, 'text/plain; charset=utf-8', Buffer.from('404 page not found\n'));
}

/** The longest that fits: an exact path, or a prefix that ends in `/*`. */
function findRoute(routes: readonly Route[], path: string): Route | undefined {
  const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  let best: Route | undefined;
  for (const route of routes) {
    const fits = route.path.endsWith('/*')
      ? plain.startsWith(route.path.slice(0, -1))
      : route.path === plain;
    if (fits && route.path.length > (best?.path.length ?? -1)) best = route;
  }
  return best;
}
