import type { ServerResponse } from 'node:http';
import {
  CUSTOM_METRICS_GROUP,
  CUSTOM_METRICS_VERSIONS,
  EXTERNAL_METRICS_GROUP,
  EXTERNAL_METRICS_VERSION,
  type Exchange,
  type MetricName,
  methodNotAllowed,
  type RemoteResource,
  type RemoteVersion,
  type Route,
} from 'kernetes/sdk';
import { customMetrics, type MetricsApiOptions } from './custom-metrics.ts';
import { externalMetrics } from './external-metrics.ts';
import { fromObjectRequest, fromUrl, type MetricRequest } from './metric-request.ts';

export interface ServedVersion {
  readonly version: RemoteVersion;
  /** Of its OpenAPI document. */
  readonly route: Route;
}

/**
 * The group versions of metrics that there are sources for, served as an adapter behind an
 * APIService would: authorized by resource, name (`*`) and metric, without tables or watches.
 */
export function servedVersions(options: MetricsApiOptions): ServedVersion[] {
  const all = options.sources.list().flatMap(({ value }) => value.metrics);
  // Several sources may have the same.
  const names = [...new Map(all.map(each => [JSON.stringify(each), each])).values()];
  const custom = names.filter(({ type }) => type === 'custom');
  const external = names.filter(({ type }) => type === 'external');
  return [
    ...(custom.length > 0 ? CUSTOM_METRICS_VERSIONS : []).map((version, i) =>
      served({
        ...{ group: CUSTOM_METRICS_GROUP, version, names: custom },
        // Those of prometheus-adapter's manifest, in which the newer is better.
        priority: { group: 100, version: 200 - 100 * i },
        answer: request => customMetrics(request, options),
      }),
    ),
    ...(external.length > 0 ? [EXTERNAL_METRICS_VERSION] : []).map(version =>
      served({
        ...{ group: EXTERNAL_METRICS_GROUP, version, names: external },
        priority: { group: 100, version: 100 },
        answer: request => externalMetrics(request, options),
      }),
    ),
  ];
}

interface Api {
  readonly group: string;
  readonly version: string;
  readonly names: readonly MetricName[];
  readonly priority: { readonly group: number; readonly version: number };
  readonly answer: (request: MetricRequest) => Promise<object>;
}

function served(api: Api): ServedVersion {
  const { group, version, priority, answer } = api;
  return {
    version: {
      group,
      version,
      discovery: { priority, resources: discovered(api), isStale: false },
      async connect(_user, exchange) {
        const { method = '', url = '' } = exchange.request;
        if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
        const request = fromUrl(url);
        writeJson(exchange, request ? await answer(request) : resourceList(api));
      },
      request: async (_user, request) => answer(fromObjectRequest(request)),
    },
    route: {
      path: `/openapi/v3/apis/${group}/${version}`,
      handle: () => {
        const info = { title: 'Kubernetes', version: 'unversioned' };
        const body = JSON.stringify({ openapi: '3.0.0', info, paths: {} });
        return { code: 200, headers: { 'content-type': 'application/json' }, body };
      },
    },
  };
}

/** `/apis/<group>/<version>` */
function resourceList({ group, version, names }: Api): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/${version}`,
    resources: names.map(each => ({
      name: each.type === 'custom' ? `${each.resource}/${each.name}` : each.name,
      singularName: '',
      namespaced: each.type === 'external' || each.namespaced,
      kind: each.type === 'custom' ? 'MetricValueList' : 'ExternalMetricValueList',
      verbs: ['get'],
    })),
  };
}

function discovered({ group, version, names }: Api): RemoteResource[] {
  const kindOf = (kind: string) => ({ group, version, kind });
  const external = names.filter(({ type }) => type === 'external');
  return [
    ...external.map(({ name }) => ({
      resource: name,
      responseKind: kindOf('ExternalMetricValueList'),
      scope: 'Namespaced' as const,
      singularResource: '',
      verbs: ['get'],
    })),
    ...bySubject(names).map(([first, ...others]) => ({
      resource: first.resource,
      // Custom metrics are subresources of what is no resource there, and then has no kind, as
      // upstream: clients list what is below it.
      responseKind: { group: '', version: '', kind: '' },
      scope: first.namespaced ? ('Namespaced' as const) : ('Cluster' as const),
      singularResource: '',
      verbs: [],
      subresources: [first, ...others].map(({ name }) => ({
        subresource: name,
        responseKind: kindOf('MetricValueList'),
        verbs: ['get'],
      })),
    })),
  ];
}

type CustomName = Extract<MetricName, { type: 'custom' }>;

/** Custom metrics, those of one resource together. */
function bySubject(names: readonly MetricName[]): [CustomName, ...CustomName[]][] {
  const subjects = new Map<string, [CustomName, ...CustomName[]]>();
  for (const each of names) {
    if (each.type !== 'custom') continue;
    const others = subjects.get(each.resource);
    if (others) others.push(each);
    else subjects.set(each.resource, [each]);
  }
  return [...subjects.values()];
}

function writeJson({ request, response }: Exchange, value: object): void {
  const body = Buffer.from(JSON.stringify(value));
  // Both kinds of response take them; their common type does not say so.
  const answer = response as ServerResponse;
  answer.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  answer.end(request.method === 'HEAD' ? undefined : body);
}
