import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  definePlugin,
  FlowSchema,
  type Kind,
  type KubeObject,
  type ObjectRequest,
  type PluginContext,
  PriorityLevelConfiguration,
  runQueue,
} from 'kernetes/sdk';
import { AUTO_UPDATE, wantedFlows, wantedLevels } from './wanted.ts';

export default definePlugin({
  name: 'controller.flowcontrol-bootstrap',
  async activate(ctx) {
    // The first requests are sorted by these.
    await ensure(ctx);
    watchOver(ctx);
  },
});

/** Puts right what is deleted or changed later. */
function watchOver(ctx: PluginContext): void {
  const queue = runQueue(ctx, {
    async work() {
      await ensure(ctx);
      return undefined;
    },
    // Upstream's: somebody else may want them otherwise, and would be as stubborn.
    intervalMs: 60_000,
  });
  const changed = () => queue.add('defaults');
  ctx.informer(PriorityLevelConfiguration).on({ updated: changed, deleted: changed });
  ctx.informer(FlowSchema).on({ updated: changed, deleted: changed });
  queue.start();
}

async function ensure({ objects, log }: PluginContext): Promise<void> {
  const [levels, flows] = await Promise.all([
    objects.list(PriorityLevelConfiguration),
    objects.list(FlowSchema),
  ]);
  const requests = [
    ...writes(PriorityLevelConfiguration, wantedLevels(), levels.items),
    ...writes(FlowSchema, wantedFlows(), flows.items),
  ];
  if (requests.length === 0) return;
  const results = await objects.batch(requests);
  for (const [i, result] of results.entries()) {
    // Another server on the same database may do the same at the same time.
    if (result.ok || RACES.some(reason => ApiError.is(result.error, reason))) continue;
    const { verb = '', resource = '' } = requests[i] ?? {};
    log.error('Flow control is not written', { verb, resource, error: result.error });
  }
}

type Spoken = KubeObject & { readonly spec?: unknown };

/** What brings the objects that there are to those that there should be. */
export function writes(
  kind: Kind,
  wanted: readonly Spoken[],
  there: readonly Spoken[],
): ObjectRequest[] {
  const { group, version, resource } = kind;
  const found = new Map(there.map(object => [object.metadata.name, object]));
  return wanted.flatMap((object): ObjectRequest[] => {
    const { name = '' } = object.metadata;
    const typed = { apiVersion: `${group}/${version}`, kind: kind.kind };
    const has = found.get(name);
    const at = { group, version, resource };
    if (has === undefined) return [{ verb: 'create', ...at, body: { ...typed, ...object } }];
    if (has.metadata.annotations?.[AUTO_UPDATE] !== 'true') return [];
    if (isDeepStrictEqual(has.spec, object.spec)) return [];
    return [{ verb: 'update', ...at, name, body: { ...typed, ...has, spec: object.spec } }];
  });
}

const RACES = ['AlreadyExists', 'Conflict'] as const;
