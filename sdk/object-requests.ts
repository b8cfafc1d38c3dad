import { apiVersionOf, type Kind, type KubeObject, type ObjectKey } from './kind.ts';
import type { DeleteOptions, PatchOptions, WriteOptions } from './objects.ts';
import type { ObjectRequest, RequestOptions } from './request.ts';

/** Requests as plain data, for `ObjectClient.batch`; the client's own methods send the same. */

/** The object's own namespace and generateName are used. */
export function createRequest<T extends KubeObject>(
  kind: Kind<T>,
  object: T,
  options: WriteOptions = {},
): ObjectRequest {
  const { namespace } = object.metadata;
  return {
    ...targetOf('create', kind),
    ...(namespace && { namespace }),
    // A subresource (a binding, an eviction) is created below a named object.
    ...(options.subresource && object.metadata.name && { name: object.metadata.name }),
    ...writeOptions(options),
    body: withType(kind, object),
  };
}

export function updateRequest<T extends KubeObject>(
  kind: Kind<T>,
  object: T,
  options: WriteOptions = {},
): ObjectRequest {
  const { namespace, name = '' } = object.metadata;
  return {
    ...targetOf('update', kind),
    ...(namespace && { namespace }),
    name,
    ...writeOptions(options),
    body: withType(kind, object),
  };
}

/** A merge patch unless `options.type` says otherwise. */
export function patchRequest<T extends KubeObject>(
  kind: Kind<T>,
  key: ObjectKey,
  patch: unknown,
  options: PatchOptions = {},
): ObjectRequest {
  return {
    ...targetOf('patch', kind),
    ...key,
    ...writeOptions(options),
    patchType: options.type ?? 'application/merge-patch+json',
    body: patch,
  };
}

export function deleteRequest<T extends KubeObject>(
  kind: Kind<T>,
  key: ObjectKey,
  options: DeleteOptions = {},
): ObjectRequest {
  const { dryRun, ...body } = options;
  return {
    ...targetOf('delete', kind),
    ...key,
    ...(Object.keys(body).length > 0 && {
      body: { apiVersion: 'v1', kind: 'DeleteOptions', ...body },
    }),
    ...(dryRun && { options: { dryRun } }),
  };
}

/** What all requests for a kind have. */
export function targetOf<V extends ObjectRequest['verb']>(verb: V, kind: Kind<never> | Kind) {
  return { verb, group: kind.group, version: kind.version, resource: kind.resource };
}

function withType<T extends KubeObject>(kind: Kind<T>, object: T): T {
  return object.kind && object.apiVersion
    ? object
    : { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function writeOptions({ dryRun, fieldManager, subresource, ...rest }: PatchOptions) {
  const options: RequestOptions = {
    ...(dryRun && { dryRun }),
    ...(fieldManager && { fieldManager }),
    ...(rest.force && { force: true }),
  };
  return {
    ...(subresource && { subresource }),
    ...(Object.keys(options).length > 0 && { options }),
  };
}
