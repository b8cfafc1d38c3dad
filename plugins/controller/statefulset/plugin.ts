import {
  ControllerRevision,
  type ControllerView,
  controllerOf,
  definePlugin,
  type ObjectKey,
  PersistentVolumeClaim,
  POD_FIELDS,
  Pod,
  runController,
  StatefulSet,
  selectorFrom,
} from 'kernetes/sdk';
import { claimName } from './claims.ts';
import { ordinalOf } from './identity.ts';
import { StatefulSetReconciler } from './stateful-set.ts';

export default definePlugin({
  name: 'controller.statefulset',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const reconciler = new StatefulSetReconciler(ctx.clock);
    runController(ctx, {
      for: StatefulSet,
      owns: [{ kind: Pod, fields: POD_FIELDS }, ControllerRevision],
      watches: [
        { kind: Pod, fields: POD_FIELDS, map: adopters },
        { kind: PersistentVolumeClaim, map: users },
      ],
      concurrency: 10,
      // Parallel pods become ready in crowds: one write of the status for many.
      intervalMs: 20,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });
  },
});

/** The StatefulSet that a pod which nobody manages is named after, if it selects it. */
function adopters(pod: Pod, { informer }: ControllerView): readonly ObjectKey[] {
  const { namespace = '', name: podName = '', labels, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp || controllerOf(pod)) return [];
  const name = podName.slice(0, Math.max(0, podName.lastIndexOf('-')));
  const set = informer(StatefulSet).get(`${namespace}/${name}`);
  if (!set || ordinalOf(set, pod) === undefined) return [];
  return selectorFrom(set.spec?.selector).matches(labels) ? [{ namespace, name }] : [];
}

/** The StatefulSets of whose templates a claim can be: a pod may wait for it to go, or miss it. */
function users(
  { metadata }: PersistentVolumeClaim,
  { informer }: ControllerView,
): readonly ObjectKey[] {
  const { namespace = '', name = '' } = metadata;
  const isOf = (set: StatefulSet) =>
    set.spec?.volumeClaimTemplates?.some(template =>
      name.startsWith(claimName(template, `${set.metadata.name}-`)),
    );
  return informer(StatefulSet)
    .list(namespace)
    .filter(isOf)
    .map(set => ({ namespace, name: set.metadata.name ?? '' }));
}
