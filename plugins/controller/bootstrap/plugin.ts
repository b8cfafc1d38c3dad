import {
  ApiError,
  componentPoint,
  definePlugin,
  type Informer,
  type KubeObject,
  keyOf,
  type PluginContext,
  runQueue,
} from 'kernetes/sdk';
import { type Config, type Wanted, wantedObjects } from './wanted.ts';

export default definePlugin<Config>({
  name: 'controller.bootstrap',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      serviceCidr: { type: 'string', default: '10.96.0.0/16' },
      advertiseAddress: { type: 'string', default: '127.0.0.1' },
      advertisePort: { type: 'integer', minimum: 0, maximum: 65_535, default: 6443 },
    },
  },
  async activate(ctx) {
    const wanted = wantedObjects(ctx.config);
    // A cluster is ready only when these are there: whoever starts one uses them at once.
    for (const each of wanted) await ensure(ctx, each);
    watchOver(ctx, wanted);
    // Of the thread that the controllers share: that it answers is the answer.
    ctx.provide(componentPoint, { check: () => 'ok' }, 'controller-manager');
  },
});

/** Makes an object again that was deleted. */
function watchOver(ctx: PluginContext<Config>, wanted: readonly Wanted[]): void {
  const byId = new Map(wanted.map(each => [idOf(each), each]));
  const queue = runQueue(ctx, {
    async work(id) {
      const each = byId.get(id);
      if (each) await ensure(ctx, each);
      return undefined;
    },
  });
  for (const kind of new Set(wanted.map(each => each.kind))) {
    const informer: Informer<KubeObject> = ctx.informer(kind, { fields: [] });
    informer.on({ deleted: object => queue.add(idOf({ kind, object })) });
  }
  queue.start();
}

/**
 * Creates it, or corrects one that is not as wanted. It looks first: creating a Service that is
 * there already fails over its address before it fails over its name.
 */
async function ensure(
  { objects }: PluginContext<Config>,
  { kind, object, isSame }: Wanted,
): Promise<void> {
  const { name = '', namespace } = object.metadata;
  const [found] = (
    await objects.list(kind, {
      ...(namespace && { namespace }),
      fieldSelector: `metadata.name=${name}`,
    })
  ).items;
  if (found === undefined) {
    await objects.create(kind, object).catch(ignoreAlreadyExists);
  } else if (isSame && !isSame(found)) {
    await objects.update(kind, object);
  }
}

/** Somebody else was quicker. */
function ignoreAlreadyExists(error: unknown): void {
  if (!ApiError.is(error, 'AlreadyExists')) throw error;
}

function idOf({ kind, object }: Pick<Wanted, 'kind' | 'object'>): string {
  return `${kind.resource} ${keyOf(object)}`;
}
