import type { ConnectTarget, ServedResource } from '../../sdk/door.ts';
import type { ObjectRequest, Verb, WatchRequest } from '../../sdk/request.ts';
import { methodNotAllowed, unknownResource } from '../../sdk/status.ts';

/**
 * Whether objects of a kind are where a request looks for them. Rights are asked for the place that
 * the request names: one that the kind's keys leave out would lend a namespace's rights to objects
 * that are in none. Throws NotFound or MethodNotAllowed.
 */
export function checkPlace({ kind }: ServedResource, verb: Verb, request: Target): void {
  const { namespace, name } = request;
  if (!kind.namespaced) {
    if (namespace) throw unknownResource();
    return;
  }
  if (namespace || verb === 'list' || verb === 'watch') return;
  throw name ? unknownResource() : methodNotAllowed();
}

/**
 * A subresource is one object's, and what is done to it is not done to the object. Throws NotFound
 * or MethodNotAllowed.
 */
export function checkSubresource(verb: Verb, request: ObjectRequest): void {
  if (!request.subresource) return;
  if (!request.name) throw unknownResource();
  if (!OF_SUBRESOURCES.has(verb)) throw methodNotAllowed();
}

export type Target = ObjectRequest | WatchRequest | ConnectTarget;

const OF_SUBRESOURCES: ReadonlySet<Verb> = new Set(['get', 'create', 'update', 'patch']);
