import {
  definePlugin,
  type Route,
  type RouteRequest,
  type RouteResponse,
  remoteVersionPoint,
  routePoint,
  shownKinds,
  unknownResource,
} from 'kernetes/sdk';
import {
  aggregated,
  coreVersions,
  groupList,
  oneGroup,
  resourceList,
  ServedGroups,
} from './documents.ts';

interface Config {
  /** The minor release of Kubernetes whose versions are listed; 0: all. */
  readonly release: number;
}

export default definePlugin<Config>({
  name: 'api.discovery',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { release: { type: 'integer', minimum: 0, default: 0 } },
  },
  activate(ctx) {
    const kinds = shownKinds(ctx, ctx.config.release);
    const routes = ctx.contributions(routePoint);
    let groups: ServedGroups | undefined;
    const remotes = ctx.contributions(remoteVersionPoint);
    const forget = () => {
      groups = undefined;
    };
    kinds.onChange(forget);
    remotes.onChange(forget);
    const served = () => {
      groups ??= new ServedGroups(
        kinds,
        remotes.list().map(({ value }) => value),
      );
      return groups;
    };
    const paths = () => routes.list().map(({ value }) => value.path);
    for (const route of discoveryRoutes(served, paths)) {
      ctx.provide(routePoint, route, `${ctx.name}${route.path}`);
    }
  },
});

function discoveryRoutes(served: () => ServedGroups, paths: () => readonly string[]): Route[] {
  return [
    { path: '/', handle: () => json({ paths: rootPaths(served(), paths()) }) },
    {
      path: '/api',
      handle: request =>
        negotiated(request, served(), true, () =>
          coreVersions(served(), request.headers.host ?? ''),
        ),
    },
    {
      path: '/apis',
      handle: request => negotiated(request, served(), false, () => groupList(served())),
    },
    { path: '/api/*', handle: request => found(resourceList(served(), '', partOf(request, 2))) },
    { path: '/apis/*', handle: request => groupOrVersion(served(), request) },
  ];
}

function groupOrVersion(served: ServedGroups, request: RouteRequest): RouteResponse {
  const group = partOf(request, 2);
  const version = partOf(request, 3);
  return found(version ? resourceList(served, group, version) : oneGroup(served, group));
}

/** kubectl from 1.26 on asks for everything in one document, and says in which version. */
function negotiated(
  request: RouteRequest,
  served: ServedGroups,
  core: boolean,
  plain: () => object,
): RouteResponse {
  for (const version of ['v2', 'v2beta1']) {
    const wanted = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    if (!accepts(request.headers.accept ?? '', version)) continue;
    return json(aggregated(served, core, `apidiscovery.k8s.io/${version}`), wanted);
  }
  return json(plain());
}

function accepts(accept: string, version: string): boolean {
  return accept.split(',').some(entry => {
    const parts = new Set(entry.split(';').map(part => part.trim()));
    return (
      parts.has('application/json') &&
      parts.has('as=APIGroupDiscoveryList') &&
      parts.has(`v=${version}`) &&
      parts.has('g=apidiscovery.k8s.io')
    );
  });
}

function rootPaths(served: ServedGroups, routes: readonly string[]): string[] {
  const versions = served.versions('').map(version => `/api/${version}`);
  const groups = served
    .groups()
    .flatMap(group => [
      `/apis/${group}`,
      ...served.versions(group).map(version => `/apis/${group}/${version}`),
    ]);
  const own = routes.filter(path => path !== '/' && !path.endsWith('/*'));
  return [...new Set([...own, ...versions, ...groups])].sort();
}

function partOf(request: RouteRequest, index: number): string {
  return request.path.split('/')[index] ?? '';
}

function found(document: object | undefined): RouteResponse {
  if (document === undefined) throw unknownResource();
  return json(document);
}

function json(document: object, type = 'application/json'): RouteResponse {
  const headers = { 'content-type': type, vary: 'Accept' };
  return { code: 200, headers, body: JSON.stringify(document) };
}
