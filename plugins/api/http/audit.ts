import type { AuditedTarget, Auditor } from 'kernetes/sdk';
import type { Call } from './call.ts';
import type { Caller } from './identity.ts';
import type { ResourcePath } from './path.ts';
import type { Request } from './server.ts';

/** Tells the audit log of a request. Its client learns the name that it has there. */
export function beginTrail(auditor: Auditor, call: Call, { requester, user }: Caller): void {
  const { request, resource, verb, path } = call;
  const auditId = one(request.headers['audit-id']).slice(0, ID_LENGTH_MAX);
  call.trail = auditor.begin({
    requestUri: request.url ?? '/',
    path,
    verb,
    requester,
    ...(user !== requester && { impersonated: user }),
    sourceIps: sourceIpsOf(request),
    userAgent: one(request.headers['user-agent']),
    ...(resource && { target: targetOf(resource) }),
    ...(auditId && { auditId }),
  });
  if (call.trail) call.response.setHeader('audit-id', call.trail.id);
}

function targetOf({ group, version, resource, ...rest }: ResourcePath): AuditedTarget {
  const { namespace = '', name = '', subresource = '' } = rest;
  return { group, version, resource, subresource, namespace, name };
}

/** What proxies say comes first, as upstream: it is for reading, not for believing. */
function sourceIpsOf(request: Request): string[] {
  const forwarded = one(request.headers['x-forwarded-for']).split(',');
  const addresses = [...forwarded, one(request.headers['x-real-ip'])].map(each => each.trim());
  const peer = request.socket.remoteAddress ?? '';
  return [...new Set([...addresses, peer.replace(/^::ffff:/, '')])]
    .filter(each => /^[\da-fA-F.:]+$/.test(each))
    .slice(0, SOURCES_MAX);
}

function one(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? header[0] : header) ?? '';
}

const ID_LENGTH_MAX = 64;
const SOURCES_MAX = 20;
