import type { Connector, Door, Exchange, RemoteVersion, User, Verb } from 'kernetes/sdk';
import { methodNotAllowed } from 'kernetes/sdk';
import type { Call } from './call.ts';
import { firstOf, type ResourcePath } from './path.ts';
import type { Response } from './respond.ts';
import type { Request } from './server.ts';
import type { Upgrade } from './websocket.ts';

/** What is no traffic of objects, and who serves it. */
export interface Connections {
  readonly connectors: () => readonly Connector[];
  readonly remoteVersions: () => readonly RemoteVersion[];
}

/** Who serves the subresource of a path: `proxy` of `pods/web/proxy/metrics`. */
export function connectorFor(
  { connectors }: Connections,
  { group, resource, subresource, name, watch }: ResourcePath,
): Connector | undefined {
  if (subresource === undefined || name === undefined || watch) return undefined;
  const first = firstOf(subresource);
  return connectors().find(
    each => each.subresource === first && each.resource === resource && each.group === group,
  );
}

/** The server beside this one that serves a group version. */
export function remoteVersionFor(
  { remoteVersions }: Connections,
  { group, version }: Pick<ResourcePath, 'group' | 'version'>,
): RemoteVersion | undefined {
  return remoteVersions().find(each => each.group === group && each.version === version);
}

/** The same for the path of a group version itself: `/apis/metrics.k8s.io/v1beta1`. */
export function remoteVersionAt(connections: Connections, path: string): RemoteVersion | undefined {
  const [, group = '', version = ''] = /^\/apis\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  return group ? remoteVersionFor(connections, { group, version }) : undefined;
}

/** Hands a request over to a connector, once the door lets it through. */
export async function serveConnection(
  door: Door,
  user: User,
  connector: Connector,
  path: ResourcePath,
  { request, response, upgrade, trail, query: options, path: whole }: Call,
): Promise<void> {
  const exchange = exchangeOf(request, response, upgrade);
  const { group, version, resource, namespace = '', name = '' } = path;
  const { subresource } = connector;
  const verb = VERBS.get(exchange.request.method ?? 'GET');
  if (verb === undefined || !connector.verbs.includes(verb)) throw methodNotAllowed();
  const target = { verb, group, version, resource, subresource, namespace, name };
  const rest = behind(whole, path);
  const query = queryOf(exchange.request.url ?? '');
  const apiVersion = group ? `${group}/${version}` : version;
  const object = {
    ...{ kind: connector.kind, apiVersion, metadata: {}, path: rest },
    ...Object.fromEntries(options),
  };
  await door.connect(user, target, object, trail?.annotations);
  await connector.connect({ user, verb, namespace, name, path: rest, query }, exchange);
}

export function exchangeOf(request: Request, response: Response, upgrade?: Upgrade): Exchange {
  if (upgrade === undefined) return { request, response };
  const { socket, head } = upgrade;
  return { request, response, upgrade: { socket, head } };
}

/** What follows the subresource in the URL's path, as it is encoded there. */
function behind(whole: string, { namespace }: ResourcePath): string {
  const parts = whole.split('/');
  // "", api, v1 or "", apis, group, version; then namespaces/x; then resource, name, subresource.
  const prefix = parts[1] === 'api' ? 3 : 4;
  const rest = parts.slice(prefix + (namespace === undefined ? 0 : 2) + 3);
  return rest.length > 0 ? `/${rest.join('/')}` : '';
}

function queryOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}

/** By what it does to the object, as upstream's connecting verbs. */
const VERBS: ReadonlyMap<string, Verb> = new Map([
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['OPTIONS', 'get'],
  ['POST', 'create'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
]);
