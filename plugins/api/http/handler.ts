import type {
  BodyCodec,
  Clock,
  ObjectRequest,
  RequestOptions,
  ResourceAttributes,
  Route,
  RouteRequest,
  ShapeTransform,
  User,
  Verb,
} from 'kernetes/sdk';
import { badRequest, isInRelease, unknownResource } from 'kernetes/sdk';
import { negotiate } from './accept.ts';
import { parseBody, parsePatch, readBody } from './body.ts';
import {
  type Connections,
  connectorFor,
  exchangeOf,
  remoteVersionFor,
  serveConnection,
} from './connect.ts';
import { deleteOptionsOf } from './delete-options.ts';
import type { Caller } from './identity.ts';
import { checkListOptions } from './list-options.ts';
import { optionsOf, parsePath, type ResourcePath, toRequest, verbOf } from './path.ts';
import { type Response, respond, warn, write } from './respond.ts';
import type { Request } from './server.ts';
import { httpStream, serveWatch, type WatchServer, type WatchStream } from './watch.ts';
import type { Upgrade } from './websocket.ts';

/** `upgrade` comes with a request for another protocol. */
export type Handler = (
  request: Request,
  response: Response,
  caller: Caller,
  upgrade?: Upgrade,
) => Promise<void>;

export interface HandlerOptions extends WatchServer, Connections {
  readonly clock: Clock;
  /** The minor release of Kubernetes whose versions are served; 0: all. */
  readonly release: number;
  /** Whether any kind is served in a group version. */
  readonly serves: (group: string, version: string) => boolean;
  readonly routes: () => readonly Route[];
  readonly shapes: () => readonly ShapeTransform[];
  readonly codecs: () => readonly BodyCodec[];
}

/** Turns HTTP requests into requests at the door, and its answers into HTTP's. */
export function createHandler(options: HandlerOptions): Handler {
  return async (request, response, { user }, upgrade) => {
    const { path, query } = splitUrl(request.url ?? '/');
    const resource = parsePath(path);
    if (resource === undefined) return serveRoute(options, request, response, user, path, query);
    return serveResource(options, request, response, user, resource, query, upgrade);
  };
}

async function serveResource(
  options: HandlerOptions,
  request: Request,
  response: Response,
  user: User,
  path: ResourcePath,
  query: URLSearchParams,
  upgrade?: Upgrade,
): Promise<void> {
  const { door, clock, shapes, codecs } = options;
  const remote = remoteVersionFor(options, path);
  if (remote) {
    await door.authorize(attributesOf(user, verbOf(request.method ?? 'GET', path, query), path));
    return remote.connect(user, exchangeOf(request, response, upgrade));
  }
  const connector = connectorFor(options, path);
  if (connector) {
    const exchange = exchangeOf(request, response, upgrade);
    return serveConnection(door, user, connector, path, exchange);
  }
  const verb = verbOf(request.method ?? 'GET', path, query);
  const accepted = negotiate(request.headers.accept);
  if (!options.serves(path.group, path.version)) {
    await door.authorize(attributesOf(user, verb, path));
    return writeNoPage(response);
  }
  const served = door.resolve(path.group, path.version, path.resource);
  if (!isInRelease(served.version.releases ?? {}, options.release)) throw unknownResource();
  if (served.version.deprecation) warn(response, [served.version.deprecation]);
  const includeObject = includeObjectOf(query);
  if (LISTS.has(verb)) checkListOptions(query, verb === 'watch');
  if (verb === 'watch') {
    const shape = { ...accepted.shape, includeObject };
    const stream = wantsWebSocket(upgrade) ? await openWebSocket(upgrade) : httpStream(response);
    return serveWatch(options, stream, user, { path, query, shape });
  }
  const bytes = verb === 'get' || verb === 'list' ? EMPTY : await readBody(request);
  const body = { bytes, type: request.headers['content-type'], codecs: codecs() };
  const answer = await door.request(user, toObjectRequest(path, verb, query, request, body));
  await respond(response, answer, {
    accepted,
    gzip: acceptsGzip(request),
    served,
    includeObject,
    now: clock.now(),
    shapes: shapes(),
  });
}

function attributesOf(user: User, verb: Verb, path: ResourcePath): ResourceAttributes {
  const { group, version, resource, namespace = '', name = '', subresource = '' } = path;
  return { user, verb, group, version, resource, namespace, name, subresource };
}

function wantsWebSocket(upgrade: Upgrade | undefined): upgrade is Upgrade {
  return upgrade?.request.headers.upgrade?.toLowerCase() === 'websocket';
}

/** The package is loaded when a client first wants it. */
async function openWebSocket(upgrade: Upgrade): Promise<WatchStream> {
  const { webSocketStream } = await import('./websocket.ts');
  return webSocketStream(upgrade);
}

/** A request's body as it came, and what can read it. */
interface Body {
  readonly bytes: Buffer;
  readonly type: string | undefined;
  readonly codecs: readonly BodyCodec[];
}

function toObjectRequest(
  path: ResourcePath,
  verb: ObjectRequest['verb'],
  query: URLSearchParams,
  request: Request,
  { bytes, type, codecs }: Body,
): ObjectRequest {
  const options = optionsFor(verb, query);
  const base = { ...toRequest(path, verb, options) };
  const manager = options.fieldManager ?? managerOf(request.headers['user-agent']);
  const withManager = { ...options, ...(manager && { fieldManager: manager }) };
  switch (verb) {
    case 'get':
    case 'list':
      return base;
    case 'patch': {
      const strict = options.fieldValidation === 'Strict';
      const patch = parsePatch(bytes, { contentType: type, strict });
      // Who applies must say by which name.
      const applies = patch.patchType === 'application/apply-patch+yaml';
      return { ...base, ...patch, options: applies ? options : withManager };
    }
    case 'delete':
    case 'deletecollection':
      return { ...base, body: parseBody(bytes, type, codecs) ?? deleteOptionsOf(query) };
    default: {
      const body = parseBody(bytes, type, codecs);
      if (body === undefined) throw badRequest('the request has no body');
      return { ...base, body, options: withManager };
    }
  }
}

function optionsFor(verb: ObjectRequest['verb'], query: URLSearchParams): RequestOptions {
  if (query.size === 0) return {};
  if (verb !== 'delete' && verb !== 'deletecollection') return optionsOf(query);
  // What dryRun may be is checked with the other options of a delete. Unlike upstream we take it
  // beside a body too: who says it anywhere does not mean to delete.
  const rest = new URLSearchParams(query);
  rest.delete('dryRun');
  const dryRun = query.getAll('dryRun').includes('All');
  return { ...optionsOf(rest), ...(dryRun && { dryRun }) };
}

/** A client that names no manager is called by its program: `kubectl/v1.32` is `kubectl`. */
function managerOf(userAgent: string | undefined): string {
  return userAgent?.split('/', 1)[0]?.trim() ?? '';
}

async function serveRoute(
  { door, routes }: HandlerOptions,
  request: Request,
  response: Response,
  user: User,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const method = request.method ?? 'GET';
  await door.authorize({ user, verb: method.toLowerCase(), path });
  const route = findRoute(routes(), path);
  if (route === undefined) return writeNoPage(response);
  // HTTP/2's pseudo-headers (`:path`) are no headers to a route.
  const headers = Object.entries(request.headers).filter(([name]) => !name.startsWith(':'));
  const asked: RouteRequest = {
    method,
    path,
    query,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, [value].flat().join(', ')])),
    user,
  };
  const { code, headers: sent, body } = await route.handle(asked);
  for (const [name, value] of Object.entries(sent)) response.setHeader(name, value);
  const type = sent['content-type'] ?? 'application/json';
  write(response, code, type, typeof body === 'string' ? Buffer.from(body) : body);
}

/** What is no path of the API at all gets no Status, as upstream. */
function writeNoPage(response: Response): void {
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

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  if (at < 0) return { path: url, query: NO_QUERY };
  return { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

function includeObjectOf(query: URLSearchParams): 'None' | 'Metadata' | 'Object' {
  const value = query.get('includeObject');
  if (value === null || value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(`includeObject: Unsupported value: "${value}"`);
}

function acceptsGzip(request: Request): boolean {
  const accepted = request.headers['accept-encoding'];
  // As upstream: a bare word, so that `gzip;q=0` is no wish for it.
  return String(accepted ?? '')
    .split(',')
    .some(each => each.trim() === 'gzip');
}

const NO_QUERY = new URLSearchParams();
const LISTS: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);
const EMPTY = Buffer.alloc(0);
