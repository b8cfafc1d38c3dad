import type { AuditTrail, Verb } from 'kernetes/sdk';
import { firstOf, parsePath, type ResourcePath, verbOf } from './path.ts';
import type { Response } from './respond.ts';
import type { Request } from './server.ts';
import type { Upgrade } from './websocket.ts';

/** One request on its way through the server. */
export interface Call {
  readonly request: Request;
  readonly response: Response;
  /** Comes with a request for another protocol. */
  readonly upgrade: Upgrade | undefined;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Undefined: the path is a route's, or cannot be read. */
  readonly resource: ResourcePath | undefined;
  /** What is to be done with the resource; undefined: it allows no such method. */
  readonly resourceVerb: Verb | undefined;
  /** Kubernetes' verb; where there is none, the method in lower case. */
  readonly verb: string;
  /** Watches and connections take as long as they take. */
  readonly isLongRunning: boolean;
  /** What is wrong with the path; told to who is known. */
  readonly failure: unknown;
  /** The resource is one that there is, and not any word of a client's. */
  isKnown: boolean;
  trail: AuditTrail | undefined;
}

/** Throws nothing: what cannot be read is kept as the call's failure. */
export function readCall(request: Request, response: Response, upgrade?: Upgrade): Call {
  const { path, query } = splitUrl(request.url ?? '/');
  const method = request.method ?? 'GET';
  let resource: ResourcePath | undefined;
  let failure: unknown;
  try {
    resource = parsePath(path);
  } catch (error) {
    failure = error;
  }
  const resourceVerb = resource && verbOf(method, resource, query);
  const verb = resourceVerb ?? method.toLowerCase();
  const isLongRunning = verb === 'watch' || (resource !== undefined && isConnection(resource));
  return {
    request,
    response,
    upgrade,
    path,
    query,
    resource,
    resourceVerb,
    verb,
    isLongRunning,
    failure,
    isKnown: false,
    trail: undefined,
  };
}

function isConnection({ subresource }: ResourcePath): boolean {
  return subresource !== undefined && CONNECTIONS.has(firstOf(subresource));
}

/** Of a proxy's client the URL may come whole: `https://host/path`. */
function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const own = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const at = own.indexOf('?');
  if (at < 0) return { path: own || '/', query: NO_QUERY };
  return { path: own.slice(0, at) || '/', query: new URLSearchParams(own.slice(at + 1)) };
}

const NO_QUERY = new URLSearchParams();
/** Upstream's long-running subresources. */
const CONNECTIONS: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);
