import {
  auditorPoint,
  bodyPoint,
  type Contributions,
  connectorPoint,
  definePlugin,
  isInRelease,
  kindPoint,
  metricsPoint,
  remoteVersionPoint,
  routePoint,
  type Server,
  serverPoint,
  shapePoint,
} from 'kernetes/sdk';

interface Config {
  readonly closeTimeoutMs: number;
  readonly maxMutatingRequestsInflight: number;
  readonly maxRequestsInflight: number;
  readonly minRequestTimeoutSeconds: number;
  /** The minor release of Kubernetes whose versions are served; 0: all. */
  readonly release: number;
  readonly requestTimeoutSeconds: number;
}

export default definePlugin<Config>({
  name: 'api.http',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      closeTimeoutMs: { type: 'integer', minimum: 0, default: 500 },
      maxMutatingRequestsInflight: { type: 'integer', minimum: 0, default: 200 },
      maxRequestsInflight: { type: 'integer', minimum: 0, default: 400 },
      minRequestTimeoutSeconds: { type: 'integer', minimum: 1, default: 1_800 },
      release: { type: 'integer', minimum: 0, default: 0 },
      requestTimeoutSeconds: { type: 'number', exclusiveMinimum: 0, default: 60 },
    },
  },
  activate(ctx) {
    const { release } = ctx.config;
    const routes = valuesOf(ctx.contributions(routePoint));
    const shapes = valuesOf(ctx.contributions(shapePoint));
    const kinds = ctx.contributions(kindPoint);
    const versions = new Set<string>();
    const learn = () => {
      versions.clear();
      for (const { value } of kinds.list()) {
        for (const { name, releases = {} } of value.versions) {
          if (isInRelease(releases, release)) versions.add(`${value.group}/${name}`);
        }
      }
    };
    learn();
    kinds.onChange(learn);
    const codecs = valuesOf(ctx.contributions(bodyPoint));
    const connectors = valuesOf(ctx.contributions(connectorPoint));
    const remoteVersions = valuesOf(ctx.contributions(remoteVersionPoint));
    const auditors = valuesOf(ctx.contributions(auditorPoint));
    let listeners = 0;
    const server: Server = {
      async listen(door, options) {
        // Much code, of Node too, that a cluster which serves nothing starts without.
        const [{ createHandler }, { listen }, { Watches }, flight, { RequestMetrics }, converter] =
          await Promise.all([
            import('./handler.ts'),
            import('./server.ts'),
            import('./watch.ts'),
            import('./in-flight.ts'),
            import('./request-metrics.ts'),
            import('./yaml-converter.ts'),
          ]);
        const inFlight = new flight.InFlight(ctx.config);
        const metrics = new RequestMetrics(inFlight);
        const withdraw = ctx.provide(metricsPoint, metrics, `api.http/${++listeners}`);
        const watches = new Watches();
        const yaml = new converter.YamlConverter(ctx.clock);
        const handler = createHandler({
          door,
          clock: ctx.clock,
          watches,
          random: ctx.random,
          minRequestTimeoutSeconds: ctx.config.minRequestTimeoutSeconds,
          release,
          serves: (group, version) => versions.has(`${group}/${version}`),
          routes,
          shapes,
          codecs,
          connectors,
          remoteVersions,
          yaml,
        });
        const listening = await listen(door, options, {
          clock: ctx.clock,
          log: ctx.log,
          handler,
          inFlight,
          metrics,
          auditor: () => auditors()[0],
          requestTimeoutMs: ctx.config.requestTimeoutSeconds * 1_000,
          closeTimeoutMs: ctx.config.closeTimeoutMs,
        });
        return {
          ...listening,
          async close() {
            watches.endAll();
            await listening.close();
            yaml.close();
            await withdraw();
          },
        };
      },
    };
    ctx.provide(serverPoint, server);
  },
});

/** Asked for by every request: gathered anew only when they change. */
function valuesOf<T>(contributions: Contributions<T>): () => readonly T[] {
  let values: readonly T[] | undefined;
  contributions.onChange(() => {
    values = undefined;
  });
  return () => {
    values ??= contributions.list().map(({ value }) => value);
    return values;
  };
}
