import { isDeepStrictEqual } from 'node:util';
import {
  APIService,
  ConfigMap,
  clusterNetworkPoint,
  definePlugin,
  frontProxyPoint,
  kindPoint,
  listenerPoint,
  type PluginContext,
  RELEASE_CONFIG,
  type ReleaseConfig,
  remoteVersionPoint,
  routePoint,
  runQueue,
  ServiceEndpoints,
} from 'kernetes/sdk';
import { CONFIG_KEY, publishAuthentication } from './authentication-config.ts';
import { LocalServices } from './local-services.ts';
import { RemoteServices } from './remote-services.ts';

export default definePlugin<ReleaseConfig>({
  name: 'api.aggregation',
  config: RELEASE_CONFIG,
  activate(ctx) {
    runServices(ctx);
    runAuthenticationConfig(ctx);
  },
});

function runServices(ctx: PluginContext<ReleaseConfig>): void {
  const { clock, objects, random, config } = ctx;
  const services = ctx.informer(APIService);
  const kinds = ctx.contributions(kindPoint);
  const local = new LocalServices({ objects, services, kinds, release: config.release });
  const endpoints = new ServiceEndpoints(ctx);
  const remote = new RemoteServices({
    ...{ clock, objects, random, services, kinds, endpoints },
    networks: ctx.contributions(clusterNetworkPoint),
    frontProxies: ctx.contributions(frontProxyPoint),
    provide(name, version, route) {
      const withdrawals = [
        ctx.provide(remoteVersionPoint, version, name),
        ctx.provide(routePoint, route, route.path),
      ];
      return () => {
        for (const withdraw of withdrawals) void withdraw();
      };
    },
  });
  const queue = runQueue(ctx, {
    name: 'services',
    concurrency: 5,
    async work(key) {
      if (key !== LOCAL) return remote.reconcile(key);
      await local.reconcile();
      return undefined;
    },
  });
  let follows = false;
  const add = (service: APIService) => {
    if (!service.spec?.service) return queue.add(LOCAL);
    queue.add(service.metadata.name ?? '');
    if (follows) return;
    follows = true;
    endpoints.onChange(name => {
      for (const each of remote.behind(name)) queue.add(each);
    });
  };
  services.on({
    updated(service, old) {
      // What was said of its status is nothing new: most of it by us.
      if (isDeepStrictEqual(service.spec, old.spec)) return;
      add(service);
      if (old.spec?.service) queue.add(service.metadata.name ?? '');
    },
    added: add,
    deleted(service) {
      queue.add(service.metadata.name ?? '');
      queue.add(LOCAL);
    },
  });
  kinds.onChange(() => queue.add(LOCAL));
  queue.add(LOCAL);
  // Nobody waits for them: what a cluster is started for comes first.
  void services.synced.then(() => clock.setTimeout(() => queue.start(), START_AFTER_MS));
}

function runAuthenticationConfig(ctx: PluginContext<ReleaseConfig>): void {
  const { namespace, name } = CONFIG_KEY;
  const fieldSelector = `metadata.name=${name}`;
  const published = ctx.informer(ConfigMap, { namespace, fieldSelector });
  const listeners = ctx.contributions(listenerPoint);
  const frontProxies = ctx.contributions(frontProxyPoint);
  const queue = runQueue(ctx, {
    name: 'authentication',
    async work() {
      const clients = listeners.list()[0]?.value.certificateAuthority;
      const frontProxy = frontProxies.list()[0]?.value.certificateAuthority;
      if (clients === undefined || frontProxy === undefined) return undefined;
      const found = published.get(`${namespace}/${name}`);
      await publishAuthentication(found, { clients, frontProxy }, ctx.objects);
      return undefined;
    },
  });
  const look = () => queue.add(name);
  published.on({ updated: look, deleted: look });
  frontProxies.onChange(look);
  void published.synced.then(() => queue.start());
}

/** No name of an object: they have no slashes. */
const LOCAL = '/local';
const START_AFTER_MS = 200;
