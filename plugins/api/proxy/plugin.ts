import {
  clusterNetworkPoint,
  connectorPoint,
  definePlugin,
  ServiceEndpoints,
  type Verb,
} from 'kernetes/sdk';
import { Locator } from './locate.ts';
import { serveProxy } from './serve.ts';

export default definePlugin({
  name: 'api.proxy',
  activate(ctx) {
    const { clock, objects, random } = ctx;
    const endpoints = new ServiceEndpoints(ctx);
    const locator = new Locator({ objects, random, endpoints });
    const networks = ctx.contributions(clusterNetworkPoint);
    for (const [resource, kind] of PROXIED) {
      ctx.provide(
        connectorPoint,
        {
          group: '',
          resource,
          subresource: 'proxy',
          verbs: VERBS,
          kind,
          async connect(request, exchange) {
            const location = await locator.locate(resource, request);
            await serveProxy({ request, exchange, location }, { clock, networks });
          },
        },
        `${resource}/proxy`,
      );
    }
  },
});

const PROXIED = [
  ['pods', 'PodProxyOptions'],
  ['services', 'ServiceProxyOptions'],
  ['nodes', 'NodeProxyOptions'],
] as const;
const VERBS: readonly Verb[] = ['create', 'delete', 'get', 'patch', 'update'];
