import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  ClusterRole,
  definePlugin,
  type Informer,
  type PluginContext,
  runQueue,
} from 'kernetes/sdk';
import { aggregatedRules } from './aggregate.ts';

export default definePlugin({
  name: 'controller.clusterrole-aggregation',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const roles = ctx.informer(ClusterRole, {
      // As the authorizer has them, so that there is one copy where both are in one thread.
      fields: ['aggregationRule', 'rules'],
      indexes: { aggregates: aggregates as (object: never) => readonly string[] },
    });
    const queue = runQueue(ctx, {
      async work(name) {
        await reconcile(ctx, roles, name);
        return undefined;
      },
      replay: () => enqueue(),
    });
    // Any role may be selected by any that aggregates, before the change or after it.
    const enqueue = () => {
      for (const { metadata } of roles.byIndex('aggregates', '')) queue.add(metadata.name ?? '');
    };
    roles.on({ added: enqueue, updated: enqueue, deleted: enqueue });
    void roles.synced.then(() => queue.start());
  },
});

async function reconcile(
  { objects }: PluginContext,
  roles: Informer<ClusterRole>,
  name: string,
): Promise<void> {
  const role = roles.get(name);
  if (role?.aggregationRule === undefined) return;
  const rules = aggregatedRules(role, roles.list());
  if (isDeepStrictEqual(rules, role.rules ?? [])) return;
  const { resourceVersion = '' } = role.metadata;
  const patch = { metadata: { resourceVersion }, rules };
  const fieldManager = 'clusterrole-aggregation-controller';
  await objects.patch(ClusterRole, { name }, patch, { fieldManager }).catch(seenLater);
}

/** It was changed or deleted meanwhile: the informer is about to say so. */
function seenLater(error: unknown): void {
  if (!ApiError.is(error, 'Conflict') && !ApiError.is(error, 'NotFound')) throw error;
}

function aggregates({ aggregationRule }: ClusterRole): readonly string[] {
  return aggregationRule ? [''] : [];
}
