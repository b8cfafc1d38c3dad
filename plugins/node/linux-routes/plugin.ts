import { definePlugin, NODE_FIELDS, Node, routesPoint } from 'kernetes/sdk';
import { ipCommand } from './ip-command.ts';
import { LinuxRoutes, type LinuxRoutesConfig } from './linux-routes.ts';

interface Config extends LinuxRoutesConfig {
  readonly networkNamespace: string;
}

export default definePlugin<Config>({
  name: 'node.linux-routes',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      table: { type: 'integer', minimum: 1, maximum: 4_294_967_295, default: 254 },
      // Below 16 they have meanings of their own.
      protocol: { type: 'integer', minimum: 16, maximum: 255, default: 75 },
      nodeName: { type: 'string', default: '' },
      device: { type: 'string', pattern: '^([^-\\s/][^\\s/]*)?$', default: '' },
      networkNamespace: { type: 'string', pattern: '^([^-\\s/][^\\s/]*)?$', default: '' },
    },
  },
  activate(ctx) {
    const { config } = ctx;
    const informer = ctx.informer(Node, { fields: NODE_FIELDS });
    const routes = new LinuxRoutes({
      config,
      ip: ipCommand(config.networkNamespace),
      nodes: async () => {
        await informer.synced;
        return informer.list();
      },
    });
    ctx.provide(routesPoint, routes);
  },
});
