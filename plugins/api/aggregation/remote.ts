import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type APIService,
  BackendError,
  type Exchange,
  forward,
  type Random,
  type RemoteVersion,
  type Route,
  type RouteRequest,
  type RouteResponse,
  serviceUnavailable,
} from 'kernetes/sdk';
import { type AvailabilityOptions, findEndpoints, type Verdict } from './availability.ts';
import { ask, hostOf, targetOf } from './backend.ts';
import { objectOf, pathOf } from './object-request.ts';
import { userHeaders } from './user-headers.ts';

export interface RemoteOptions extends AvailabilityOptions {
  readonly random: Random;
}

/** A group version as another server serves it; `verdict` is what was last found of it. */
export function remoteVersion(
  service: APIService,
  verdict: Verdict,
  options: RemoteOptions,
): RemoteVersion {
  const {
    group = '',
    version = '',
    groupPriorityMinimum = 0,
    versionPriority = 0,
  } = service.spec ?? {};
  return {
    group,
    version,
    discovery: {
      priority: { group: groupPriorityMinimum, version: versionPriority },
      resources: verdict.resources ?? [],
      isStale: !verdict.isAvailable,
    },
    async connect(user, exchange) {
      const target = verdict.isAvailable ? await chosen(service, options) : undefined;
      if (target === undefined) return tell(exchange, 'service unavailable');
      const { url = '/' } = exchange.request;
      const headers = {
        ...userHeaders(user),
        host: hostOf(target),
        'x-forwarded-for': (exchange.request as IncomingMessage).socket.remoteAddress ?? '',
        'x-forwarded-uri': url.split('?', 1)[0] ?? '',
      };
      try {
        await forward(exchange, { ...target, path: url, headers }, options);
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        tell(exchange, `error trying to reach service: ${error.message}`);
      }
    },
    async request(user, request) {
      const path = pathOf(request);
      const target = verdict.isAvailable ? await chosen(service, options) : undefined;
      if (target === undefined) throw serviceUnavailable('service unavailable');
      try {
        return objectOf(await ask({ ...target, path }, user, options));
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        throw serviceUnavailable(`error trying to reach service: ${error.message}`);
      }
    },
  };
}

/** The OpenAPI document of a remote version is its server's. */
export function openApiRoute(service: APIService, options: RemoteOptions): Route {
  const { group, version } = service.spec ?? {};
  const path = `/openapi/v3/apis/${group}/${version}`;
  return { path, handle: request => document(service, request, options) };
}

async function document(
  service: APIService,
  { path, user }: RouteRequest,
  options: RemoteOptions,
): Promise<RouteResponse> {
  try {
    const target = await chosen(service, options);
    if (target === undefined) return plain(503, 'service unavailable');
    const { status, type, body } = await ask({ ...target, path }, user, options);
    return { code: status, headers: { 'content-type': type || 'application/json' }, body };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return plain(503, `error trying to reach service: ${error.message}`);
  }
}

/** One of its endpoints, which are as they are now. */
async function chosen(service: APIService, options: RemoteOptions) {
  const found = await findEndpoints(service, options);
  if (!('endpoints' in found)) return undefined;
  const endpoint = found.endpoints[options.random.integer(found.endpoints.length)];
  return endpoint && targetOf(service, endpoint, options);
}

/** Upstream's aggregator says it in plain text, not as a Status. */
function tell({ response }: Exchange, text: string): void {
  const { code, headers, body } = plain(503, text);
  const answer = response as ServerResponse;
  if (answer.headersSent || answer.destroyed) return;
  answer.writeHead(code, headers);
  answer.end(body);
}

function plain(code: number, text: string): RouteResponse {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  };
  return { code, headers, body: `${text}\n` };
}
