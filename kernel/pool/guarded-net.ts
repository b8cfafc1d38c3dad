import type { BrokerClient } from './broker-client.ts';
import { BrokeredReadable, BrokeredSocket } from './brokered-streams.ts';
import { assertGranted } from './grants.ts';
import type { Guard } from './guard.ts';
import type { GuardedModules } from './guarded-modules.ts';
import { PoolLimits } from './limits.ts';
import type { BrokeredHead, BrokeredResource } from './wire.ts';

/** `node:net`, whose `connect` works, through the kernel, to what was granted. */
export function guardedNet(
  real: { isIP: unknown; isIPv4: unknown; isIPv6: unknown },
  { guard, broker, modules }: { guard: Guard; broker: BrokerClient; modules: GuardedModules },
): object {
  const copy = modules.guarded('net') as Record<string, unknown>;
  const { isIP, isIPv4, isIPv6 } = real;
  Object.assign(copy, { isIP, isIPv4, isIPv6 });
  if (!guard.grants.net?.length) return copy;
  const connect = (...args: unknown[]) => {
    const { host, port } = addressOf(args);
    assertGranted(guard.plugin, guard.grants, { type: 'connect', host, port });
    const socket = new BrokeredSocket(broker, host, port);
    const listener = args.at(-1);
    if (typeof listener === 'function') socket.once('connect', listener as () => void);
    return socket;
  };
  return Object.assign(copy, { connect, createConnection: connect });
}

function addressOf([first, second]: readonly unknown[]): { host: string; port: number } {
  const options =
    typeof first === 'object' && first !== null
      ? (first as { host?: unknown; port?: unknown })
      : { port: first, host: typeof second === 'string' ? second : undefined };
  const port = Number(options.port);
  if (!Number.isInteger(port)) throw new TypeError('Cannot connect: a port is needed');
  return { host: String(options.host ?? 'localhost'), port };
}

/** The Fetch standard's `fetch`, done by the kernel for what was granted. */
export function guardedFetch(guard: Guard, broker: BrokerClient): typeof fetch {
  return async (input, init) => {
    let request = new Request(input, init);
    for (let redirects = 0; ; redirects++) {
      const resource: BrokeredResource & { type: 'fetch' } = {
        type: 'fetch',
        url: request.url,
        method: request.method,
        headers: [...request.headers],
      };
      assertGranted(guard.plugin, guard.grants, resource);
      const response = await fetchOnce(resource, request, broker);
      const location = response.headers.get('location');
      const redirected = REDIRECTS.has(response.status) && location !== null;
      if (!redirected || request.redirect === 'manual') return response;
      if (request.redirect === 'error' || redirects >= PoolLimits.redirectsMax) {
        throw new TypeError(`Cannot fetch "${request.url}": it redirects`);
      }
      await response.body?.cancel();
      request = redirect(request, response.status, new URL(location, request.url));
    }
  };
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Bodies are not kept for a second sending, and credentials do not go to another origin. */
function redirect(request: Request, status: number, url: URL): Request {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (!isRead && status > 303) {
    throw new TypeError(`Cannot fetch "${request.url}": it redirects a ${request.method}`);
  }
  const headers = new Headers(request.headers);
  if (url.origin !== new URL(request.url).origin) {
    for (const name of ['authorization', 'cookie', 'proxy-authorization']) headers.delete(name);
  }
  return new Request(url, {
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    headers,
    redirect: request.redirect,
    signal: request.signal,
  });
}

async function fetchOnce(
  resource: BrokeredResource & { type: 'fetch' },
  request: Request,
  broker: BrokerClient,
): Promise<Response> {
  const sent = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
  request.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const body = new BrokeredReadable(() => handle, {
      destroy(error, done) {
        handle.destroy();
        done(error);
      },
    });
    const handle = broker.open(resource, {
      opened: head => resolve(responseOf(head, body)),
      data: (_stream, bytes) => body.receive(bytes),
      end: () => void body.push(null),
      closed(_outcome, error) {
        if (!error) return;
        reject(error);
        body.destroy(error);
      },
    });
    request.signal.addEventListener('abort', () => {
      reject(request.signal.reason);
      body.destroy();
    });
    if (sent) handle.write(sent);
    handle.end();
  });
}

function responseOf(
  { status = 200, statusText = '', headers, url }: BrokeredHead,
  body: BrokeredReadable,
) {
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  const stream = hasBody ? (BrokeredReadable.toWeb(body) as ReadableStream) : null;
  const entries = (headers ?? []).map(([name, value]): [string, string] => [name, value]);
  const response = new Response(stream, { status, statusText, headers: entries });
  Object.defineProperty(response, 'url', { value: url ?? '' });
  return response;
}
