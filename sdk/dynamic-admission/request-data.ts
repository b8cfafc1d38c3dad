import type { AdmissionRequest } from '../admission.ts';
import type { KubeObject } from '../kind.ts';
import { parseApiVersion } from './api-version.ts';
import type { ResourceVersion } from './rules.ts';

/** What webhooks and expressions are told of a request, but for its objects. */
export interface RequestData {
  readonly kind: GroupVersionKind;
  readonly resource: ResourceVersion;
  readonly subResource?: string;
  readonly requestKind: GroupVersionKind;
  readonly requestResource: ResourceVersion;
  readonly requestSubResource?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: string;
  readonly userInfo: object;
  readonly dryRun: boolean;
  readonly options: object;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The request as seen through a version; `kind` is that of the objects in it. */
export function requestData(
  request: AdmissionRequest,
  as: ResourceVersion,
  kind: string,
): RequestData {
  const { group, version, resource, subresource, operation, dryRun, name } = request;
  const namespace = namespaceOf(request);
  const own = kindOf(request.object, { group, version, kind: request.kind });
  const isBody = own.kind !== request.kind;
  return {
    kind: isBody ? own : { group: as.group, version: as.version, kind },
    resource: { group: as.group, version: as.version, resource: as.resource },
    ...(subresource && { subResource: subresource }),
    requestKind: own,
    requestResource: { group, version, resource },
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: userInfo(request),
    dryRun,
    options: optionsOf(request),
  };
}

/** As upstream, requests for a namespace that exists are in it. */
function namespaceOf({ namespace, group, resource, operation, name }: AdmissionRequest): string {
  if (namespace !== '' || operation === 'CREATE') return namespace;
  return group === '' && resource === 'namespaces' ? name : '';
}

/** The body of a subresource, or a connection's options, have another kind than the resource. */
function kindOf(object: KubeObject | undefined, otherwise: GroupVersionKind): GroupVersionKind {
  const { kind, apiVersion } = object ?? {};
  if (!kind || !apiVersion || kind === otherwise.kind) return otherwise;
  return { ...parseApiVersion(apiVersion), kind };
}

function userInfo({ user }: AdmissionRequest): object {
  const { name: username, uid, groups, extra } = user;
  return { username, ...(uid && { uid }), groups, ...(extra && { extra }) };
}

function optionsOf({ operation, options, dryRun, deleteOptions }: AdmissionRequest): object {
  const apiVersion = 'meta.k8s.io/v1';
  const all = dryRun ? { dryRun: ['All'] } : {};
  if (operation === 'DELETE') {
    const given = typeof deleteOptions === 'object' ? deleteOptions : {};
    return { ...given, kind: 'DeleteOptions', apiVersion, ...all };
  }
  if (operation === 'CONNECT') return {};
  const { fieldManager, fieldValidation, force } = options;
  const patched = force !== undefined;
  const kind =
    operation === 'CREATE' ? 'CreateOptions' : patched ? 'PatchOptions' : 'UpdateOptions';
  return {
    kind,
    apiVersion,
    ...all,
    ...(patched && { force }),
    ...(fieldManager && { fieldManager }),
    ...(fieldValidation && { fieldValidation }),
  };
}
