import type {
  BodyCodec,
  Clock,
  ObjectRequest,
  RequestOptions,
  ResourceAttributes,
  Route,
  ServedResource,
  ShapeTransform,
  User,
  Verb,
} from 'kernetes/sdk';
import {
  badRequest,
  deprecationIn,
  isInRelease,
  methodNotAllowed,
  unknownResource,
} from 'kernetes/sdk';
import { checkStreamed, negotiate } from './accept.ts';
import {
  checkLength,
  isYaml,
  mediaTypeOf,
  parseBody,
  parsePatch,
  type Reading,
  readBody,
} from './body.ts';
import type { Call } from './call.ts';
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
import { noBody } from './parse-text.ts';
import { optionsOf, type ResourcePath, toRequest } from './path.ts';
import { respond, warn } from './respond.ts';
import { serveRoute, writeNoPage } from './routes.ts';
import type { Request } from './server.ts';
import { httpStream, serveWatch, type WatchServer, type WatchStream } from './watch.ts';
import type { Upgrade } from './websocket.ts';
import type { YamlConverter } from './yaml-converter.ts';

/** Answers a call, or rejects with what its client is to be told. */
export type Handler = (call: Call, caller: Caller) => Promise<void>;

export interface HandlerOptions extends WatchServer, Connections {
  readonly clock: Clock;
  /** The minor release of Kubernetes whose versions are served; 0: all. */
  readonly release: number;
  /** Whether any kind is served in a group version. */
  readonly serves: (group: string, version: string) => boolean;
  readonly routes: () => readonly Route[];
  readonly shapes: () => readonly ShapeTransform[];
  readonly codecs: () => readonly BodyCodec[];
  readonly yaml: YamlConverter;
}

/** Turns HTTP requests into requests at the door, and its answers into HTTP's. */
export function createHandler(options: HandlerOptions): Handler {
  return async (call, { user }) => {
    const { resource } = call;
    if (resource === undefined) return serveRoute(options, call, user);
    return serveResource(options, call, user, resource);
  };
}

async function serveResource(
  options: HandlerOptions,
  call: Call,
  user: User,
  path: ResourcePath,
): Promise<void> {
  const { door, clock, shapes } = options;
  const { request, response, query, upgrade, trail } = call;
  const remote = remoteVersionFor(options, path);
  if (remote) {
    const verb = allowedVerb(call);
    await door.authorize(attributesOf(user, verb, path), trail?.annotations);
    return remote.connect(user, exchangeOf(request, response, upgrade));
  }
  const connector = connectorFor(options, path);
  if (connector) {
    call.isKnown = true;
    return serveConnection(door, user, connector, path, call);
  }
  const verb = allowedVerb(call);
  const accepted = negotiate(request.headers.accept);
  if (!options.serves(path.group, path.version)) {
    await door.authorize(attributesOf(user, verb, path), trail?.annotations);
    return writeNoPage(response);
  }
  const { served, includeObject, asked } = await readCall(options, call, {
    user,
    path,
    verb,
  });
  if (asked === undefined) {
    checkStreamed(accepted);
    const shape = { ...accepted.shape, includeObject };
    const stream = wantsWebSocket(upgrade) ? await openWebSocket(upgrade) : httpStream(call);
    return serveWatch(options, stream, user, { path, query, shape, trail });
  }
  const answer = await door.request(user, asked, trail?.annotations);
  await respond(call, answer, {
    accepted,
    gzip: acceptsGzip(request),
    served,
    includeObject,
    now: clock.now(),
    shapes: shapes(),
    yaml: options.yaml,
  });
}

/** Throws MethodNotAllowed. */
function allowedVerb({ resourceVerb }: Call): Verb {
  if (resourceVerb === undefined) throw methodNotAllowed();
  return resourceVerb;
}

interface Asking {
  readonly user: User;
  readonly path: ResourcePath;
  readonly verb: Verb;
}

interface Read {
  readonly served: ServedResource;
  readonly includeObject: IncludeObject;
  /** Undefined: it is a watch. */
  readonly asked: ObjectRequest | undefined;
}

/** What is wrong with a request is told to those only who may make it. */
async function readCall(options: HandlerOptions, call: Call, asking: Asking): Promise<Read> {
  try {
    return await readKnown(options, call, asking);
  } catch (error) {
    const { user, path, verb } = asking;
    await options.door.authorize(attributesOf(user, verb, path), call.trail?.annotations);
    throw error;
  }
}

async function readKnown(
  options: HandlerOptions,
  call: Call,
  { user, path, verb }: Asking,
): Promise<Read> {
  const served = options.door.resolve(path.group, path.version, path.resource);
  const isServed = isInRelease(served.version.releases ?? {}, options.release);
  if (!isServed || (verb === 'watch' && path.subresource !== undefined)) throw unknownResource();
  call.isKnown = true;
  const deprecation = deprecationIn(served.version, options.release);
  if (deprecation !== undefined) warn(call.response, [deprecation]);
  const includeObject = includeObjectOf(call.query);
  if (LISTS.has(verb)) checkListOptions(call.query, verb === 'watch');
  if (verb === 'watch') return { served, includeObject, asked: undefined };
  const asked = await readRequest(options, call, { user, path, verb, served });
  return { served, includeObject, asked };
}

interface Target {
  readonly user: User;
  readonly path: ResourcePath;
  readonly verb: ObjectRequest['verb'];
  readonly served: ServedResource;
}

/** The request with its body. What is dear to read is read of those only who may send it. */
async function readRequest(
  { door, codecs, yaml }: HandlerOptions,
  { request, query, trail }: Call,
  { user, path, verb, served }: Target,
): Promise<ObjectRequest> {
  if (verb === 'get' || verb === 'list') {
    return toRequest(path, verb, optionsFor(verb, query));
  }
  const length = checkLength(request);
  const mediaType = mediaTypeOf(request.headers['content-type']);
  if (length > CHEAP_BYTES_MAX || isYaml(mediaType)) {
    await door.authorize(attributesOf(user, verb, path), trail?.annotations);
  }
  const bytes = await readBody(request);
  const wanted = { kind: served.kind.kind, version: served.version.name };
  const body = { bytes, mediaType, codecs, wanted, yaml };
  const asked = await toObjectRequest(path, verb, query, request, body);
  if (trail?.wantsRequest && asked.body !== undefined) trail.requestObject(asked.body);
  return asked;
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
interface Body extends Reading {
  readonly bytes: Buffer;
}

async function toObjectRequest(
  path: ResourcePath,
  verb: ObjectRequest['verb'],
  query: URLSearchParams,
  request: Request,
  body: Body,
): Promise<ObjectRequest> {
  const options = optionsFor(verb, query);
  const base = toRequest(path, verb, options);
  const { bytes, mediaType, wanted, yaml } = body;
  switch (verb) {
    case 'patch': {
      const strict = options.fieldValidation === 'Strict';
      const patch = await parsePatch(bytes, { mediaType, strict, yaml });
      // Who applies must say by which name.
      const applies = patch.patchType === 'application/apply-patch+yaml';
      return { ...base, ...patch, options: applies ? options : withManager(options, request) };
    }
    case 'delete':
    case 'deletecollection':
      return { ...base, body: (await parseBody(bytes, body))?.value ?? deleteOptionsOf(query) };
    default: {
      const parsed = await parseBody(bytes, body);
      if (parsed === undefined) throw noBody(wanted);
      const { value, duplicates } = parsed;
      return {
        ...base,
        body: value,
        options: withManager(options, request),
        ...(duplicates.length > 0 && { duplicates }),
      };
    }
  }
}

function withManager(options: RequestOptions, request: Request): RequestOptions {
  const manager = options.fieldManager ?? managerOf(request.headers['user-agent']);
  return { ...options, ...(manager && { fieldManager: manager }) };
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

function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject');
  if (value === null || value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(`includeObject: Unsupported value: "${value}"`);
}

function acceptsGzip(request: Request): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  return accepted.includes('gzip') && accepted.split(',').some(each => GZIP.test(each));
}

type IncludeObject = 'None' | 'Metadata' | 'Object';

/** Not `gzip;q=0`. */
const GZIP = /^\s*gzip\s*(?:;\s*q=(?:1(?:\.0*)?|0?\.\d*[1-9]\d*)\s*)?$/i;
/** About what an ordinary object has. */
const CHEAP_BYTES_MAX = 64 * 1024;
const LISTS: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);
