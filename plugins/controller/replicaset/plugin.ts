import {
  type ControllerView,
  controllerOf,
  definePlugin,
  type ObjectKey,
  POD_FIELDS,
  Pod,
  ReplicaSet,
  runController,
  selectorFrom,
} from 'kernetes/sdk';
import { ReplicaSetReconciler } from './replicaset.ts';

export default definePlugin({
  name: 'controller.replicaset',
  activate(ctx) {
    const reconciler = new ReplicaSetReconciler(ctx.clock);
    runController(ctx, {
      for: ReplicaSet,
      owns: [{ kind: Pod, fields: POD_FIELDS }],
      watches: [{ kind: Pod, fields: POD_FIELDS, map: adopters }],
      concurrency: 10,
      // Pods become ready in crowds: one write of the status for many.
      intervalMs: 20,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });
  },
});

/** The ReplicaSets that select a pod which nobody manages. */
function adopters(pod: Pod, { informer }: ControllerView): readonly ObjectKey[] {
  const { namespace = '', labels, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp || controllerOf(pod)) return [];
  return informer(ReplicaSet)
    .list(namespace)
    .filter(set => selectorFrom(set.spec?.selector).matches(labels))
    .map(set => ({ namespace, name: set.metadata.name ?? '' }));
}
