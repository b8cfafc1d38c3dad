import { ApiError, ConfigMap, type PluginContext, runController } from 'kernetes/sdk';

/**
 * Creates ConfigMaps without end, in a reconcile of the one named `marker`; what is refused it tells
 * by events. Labels say who made one, and in which process.
 */
export function scribble(ctx: PluginContext, writer: string): void {
  const life = ctx.random.uuid().slice(0, 8);
  runController(ctx, {
    for: ConfigMap,
    async reconcile({ namespace = '', name }, { object, objects, events }) {
      if (name !== 'marker' || object === undefined) return undefined;
      const metadata = { namespace, generateName: `${writer}-${life}-`, labels: { writer, life } };
      try {
        await objects.create(ConfigMap, { metadata });
      } catch (error) {
        const why = ApiError.is(error) ? error.message : String(error);
        events.event(object, 'Warning', `Refused${life}`, why);
      }
      return { requeueAfter: 1 };
    },
  });
}
