import {
  CustomResourceDefinition,
  clusterNetworkPoint,
  definePlugin,
  kindPoint,
  runController,
  SchemaEngines,
  servedKindPoint,
  serviceFinder,
  WebhookClient,
} from 'kernetes/sdk';
import { AcceptedNames } from './accepted-names.ts';
import { DefinitionReconciler } from './reconcile.ts';
import { ServedDefinitions } from './served-definitions.ts';
import { webhookConverter } from './webhook-converter.ts';

export default definePlugin({
  name: 'api.custom-resources',
  async activate(ctx) {
    const kinds = ctx.contributions(kindPoint);
    const isTaken = (group: string, resource: string) =>
      kinds.list().some(({ plugin, value }) => {
        return plugin !== ctx.name && value.group === group && value.resource === resource;
      });
    const client = new WebhookClient({
      clock: ctx.clock,
      findService: serviceFinder(ctx),
      networks: ctx.contributions(clusterNetworkPoint),
    });
    ctx.onDispose(() => client.close());
    const served = new ServedDefinitions({
      engines: new SchemaEngines(),
      converter: definition => webhookConverter(definition, { client, random: ctx.random }),
      provide: (kind, name) => ctx.provide(kindPoint, kind, name),
      served: ctx.contributions(servedKindPoint),
      isTaken,
    });
    const names = new AcceptedNames();
    const reconciler = new DefinitionReconciler({ served, names, isTaken });
    const definitions = ctx.informer(CustomResourceDefinition);
    const { enqueue } = runController(ctx, {
      for: CustomResourceDefinition,
      concurrency: 10,
      reconcile: (key, context) => reconciler.reconcile(key.name, context),
    });
    const freeNames = ({ metadata, spec: { group } }: CustomResourceDefinition) => {
      names.forget(metadata.name ?? '');
      for (const each of definitions.list()) {
        if (each.spec.group === group && !names.areAccepted(each)) {
          enqueue({ name: each.metadata.name ?? '' });
        }
      }
    };
    // Names that somebody waits for may be free now.
    definitions.on({ deleted: freeNames });
    await definitions.synced;
    // What was established before a restart is there from the first request on.
    await Promise.all(definitions.list().map(each => served.serve(each)));
  },
});
