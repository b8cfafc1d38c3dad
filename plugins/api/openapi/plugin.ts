import { definePlugin, kindPoint, routePoint } from 'kernetes/sdk';
import { OpenApiDocuments } from './document.ts';
import { openApiRoutes } from './routes.ts';

interface OpenApiConfig {
  readonly version: string;
}

/** Serves the OpenAPI documents of the kinds that plugins contribute, as they come and go. */
export default definePlugin<OpenApiConfig>({
  name: 'api.openapi',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { version: { type: 'string', default: 'unversioned' } },
  },
  activate(ctx) {
    const documents = new OpenApiDocuments(ctx.config.version);
    const kinds = ctx.contributions(kindPoint);
    const update = () => documents.setKinds(kinds.list().map(({ value }) => value));
    update();
    ctx.onDispose(kinds.onChange(update));
    for (const route of openApiRoutes(documents)) ctx.provide(routePoint, route, route.path);
  },
});
