import { ApiError, methodNotAllowed, type ObjectRequest, type Status } from 'kernetes/sdk';
import type { Answer } from './backend.ts';

/** The path and query of what a plugin asks of another server. Throws MethodNotAllowed. */
export function pathOf(request: ObjectRequest): string {
  const { verb, group, version, namespace, resource, name, subresource, options = {} } = request;
  // Plugins read what other servers have; what they would write there travels by HTTP only.
  if (verb !== 'get' && verb !== 'list') throw methodNotAllowed();
  const place = namespace ? ['namespaces', namespace] : [];
  const parts = [...place, resource, name, ...(subresource?.split('/') ?? [])];
  const encoded = parts.filter(part => part !== undefined).map(encodeURIComponent);
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) query.set(key, String(value));
  const path = `/apis/${group}/${version}/${encoded.join('/')}`;
  return query.size > 0 ? `${path}?${query}` : path;
}

/** The object in an answer. Throws what the other server refuses with. */
export function objectOf({ status, body }: Answer): object {
  const value = parsed(body);
  if (status >= 200 && status < 300 && value !== undefined) return value;
  const { kind, ...refusal } = (value ?? {}) as Status;
  if (kind === 'Status') throw new ApiError({ ...refusal, code: status });
  throw new ApiError({
    message: `the server answered with status ${status} and no object`,
    reason: 'ServiceUnavailable',
    code: 503,
  });
}

function parsed(body: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
