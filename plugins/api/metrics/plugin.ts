import {
  customMetricsPoint,
  type Disposer,
  definePlugin,
  kindPoint,
  podUsagePoint,
  remoteVersionPoint,
  routePoint,
} from 'kernetes/sdk';
import { nodeMetricsKind } from './node-metrics.ts';
import { podMetricsKind } from './pod-metrics.ts';
import { servedVersions } from './served-versions.ts';

export default definePlugin({
  name: 'api.metrics',
  activate(ctx) {
    const { clock, objects } = ctx;
    const usage = ctx.contributions(podUsagePoint);
    for (const make of [podMetricsKind, nodeMetricsKind]) {
      const kind = make({ clock, sources: () => usage.list().map(({ value }) => value) });
      ctx.provide(kindPoint, kind, `${kind.resource}.${kind.group}`);
    }
    const kinds = ctx.contributions(kindPoint);
    const sources = ctx.contributions(customMetricsPoint);
    let withdrawals: Disposer[] = [];
    const serve = () => {
      for (const withdraw of withdrawals) void withdraw();
      withdrawals = servedVersions({ objects, sources, kinds }).flatMap(({ version, route }) => [
        ctx.provide(remoteVersionPoint, version, `${ctx.name}/${version.version}.${version.group}`),
        ctx.provide(routePoint, route, route.path),
      ]);
    };
    serve();
    sources.onChange(serve);
  },
});
