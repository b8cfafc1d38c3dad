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
import { aggregatedResponse } from './aggregated.ts';
import { coreVersions, groupList, oneGroup, resourceList, ServedGroups } from './documents.ts';

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
      groups ??= new ServedGroups(kinds, {
        remotes: remotes.list().map(({ value }) => value),
        release: ctx.config.release,
      });
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
        aggregatedResponse(request, served(), true) ??
        json(coreVersions(served(), request.headers.host ?? '')),
    },
    {
      path: '/apis',
      handle: request => aggregatedResponse(request, served(), false) ?? json(groupList(served())),
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
