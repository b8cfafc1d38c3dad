import { badRequest, methodNotAllowed, type ObjectRequest, unknownResource } from 'kernetes/sdk';

/** What is asked of an API of metrics, by HTTP or by a plugin. */
export interface MetricRequest {
  readonly version: string;
  /** Empty: none. */
  readonly namespace: string;
  readonly resource: string;
  /** Empty: none. */
  readonly name: string;
  readonly subresource: string;
  readonly labelSelector: string;
  readonly metricLabelSelector: string;
}

/** Throws MethodNotAllowed on what is no reading. */
export function fromObjectRequest(request: ObjectRequest): MetricRequest {
  const { verb, version, namespace = '', resource, name = '', subresource = '' } = request;
  if (verb !== 'get' && verb !== 'list') throw methodNotAllowed();
  const { labelSelector = '', metricLabelSelector = '' } = request.options ?? {};
  return { version, namespace, resource, name, subresource, labelSelector, metricLabelSelector };
}

/** Undefined: the path is that of the group version itself. Throws NotFound and BadRequest. */
export function fromUrl(url: string): MetricRequest | undefined {
  const { pathname, searchParams } = new URL(url, 'https://kubernetes');
  const [, , , version = '', ...parts] = pathname.split('/').map(decoded);
  if (parts.at(-1) === '') parts.pop();
  if (parts.length === 0) return undefined;
  const isNamespaced = parts[0] === 'namespaces' && parts.length > 2;
  const [resource = '', name = '', ...rest] = isNamespaced ? parts.slice(2) : parts;
  if (resource === '') throw unknownResource();
  return {
    version,
    namespace: isNamespaced ? (parts[1] ?? '') : '',
    resource,
    name,
    subresource: rest.join('/'),
    labelSelector: searchParams.get('labelSelector') ?? '',
    metricLabelSelector: searchParams.get('metricLabelSelector') ?? '',
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest(`Cannot read the path: "${part}" is not URL-encoded`);
  }
}
