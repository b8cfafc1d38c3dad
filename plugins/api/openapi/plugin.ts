import { definePlugin, remoteVersionPoint, routePoint, shownKinds } from 'kernetes/sdk';
import { OpenApiDocuments } from './document.ts';
import { openApiRoutes } from './routes.ts';

interface OpenApiConfig {
  readonly version: string;
  /** The minor release of Kubernetes whose versions are shown; 0: all. */
  readonly release: number;
}

/** Serves the OpenAPI documents of the kinds that plugins contribute, as they come and go. */
export default definePlugin<OpenApiConfig>({
  name: 'api.openapi',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      version: { type: 'string', default: 'unversioned' },
      release: { type: 'integer', minimum: 0, default: 0 },
    },
  },
  activate(ctx) {
    const { version, release } = ctx.config;
    const documents = new OpenApiDocuments(version);
    const kinds = shownKinds(ctx, release);
    const update = () => documents.setKinds(kinds.list());
    update();
    ctx.onDispose(kinds.onChange(update));
    const remotes = ctx.contributions(remoteVersionPoint);
    const list = () => {
      const served = remotes.list().filter(({ value }) => value.discovery?.isStale === false);
      documents.setRemotes(served.map(({ value }) => `apis/${value.group}/${value.version}`));
    };
    list();
    remotes.onChange(list);
    for (const route of openApiRoutes(documents)) ctx.provide(routePoint, route, route.path);
  },
});
