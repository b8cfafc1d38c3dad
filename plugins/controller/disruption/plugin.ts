import { isDeepStrictEqual } from 'node:util';
import {
  byLabel,
  Deployment,
  definePlugin,
  keyOf,
  type ObjectKey,
  POD_FIELDS,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  runController,
  runQueue,
  StatefulSet,
  servedKindPoint,
} from 'kernetes/sdk';
import { Budgets } from './budgets.ts';
import { DisruptionReconciler, SOURCE } from './disruption.ts';
import { isAnnounced, StaleConditions } from './stale-condition.ts';

export default definePlugin({
  name: 'controller.disruption',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const budgets = new Budgets();
    const served = ctx.contributions(servedKindPoint);
    const kinds = () => served.list().map(({ value }) => value);
    const reconciler = new DisruptionReconciler({ budgets, kinds });
    const map = budgets.ofWorkload.bind(budgets);
    const controller = runController(ctx, {
      for: PodDisruptionBudget,
      watches: [
        { kind: Pod, fields: POD_FIELDS, indexes: { label: byLabel }, map: () => [] },
        { kind: Deployment, map },
        { kind: ReplicaSet, map },
        { kind: StatefulSet, map },
        { kind: ReplicationController, map },
      ],
      // Pods become ready in crowds: one write of the status for many.
      intervalMs: 20,
      reconcile: (_, context) => reconciler.reconcile(context),
    });

    const stale = new StaleConditions(ctx);
    const pods = controller.informer(Pod);
    const announced = runQueue(ctx, {
      name: 'announced',
      work: key => stale.clear(key),
      replay: () => pods.list().forEach(noteIfAnnounced),
    });
    const noteIfAnnounced = (pod: Pod) => {
      if (isAnnounced(pod)) announced.add(keyOf(pod));
    };
    const enqueue = (pod: Pod) => {
      const { namespace = '', labels } = pod.metadata;
      const keys = budgets.about(namespace, labels, controller);
      for (const key of keys) controller.enqueue(key);
      if (keys.length > 1) ctx.events.event(pod, ...severalBudgets(pod, keys));
    };
    pods.on({
      added(pod) {
        enqueue(pod);
        noteIfAnnounced(pod);
      },
      updated(pod, old) {
        if (!isDeepStrictEqual(pod.metadata.labels, old.metadata.labels)) enqueue(old);
        enqueue(pod);
        noteIfAnnounced(pod);
      },
      deleted: enqueue,
    });
    void pods.synced.then(() => announced.start());
  },
});

/** An eviction refuses such a pod; all of its budgets count it. */
function severalBudgets({ metadata }: Pod, keys: readonly ObjectKey[]) {
  const pod = `"${metadata.namespace}"/"${metadata.name}"`;
  const [chosen] = keys.map(({ name }) => name).sort();
  const message = `Pod ${pod} matches multiple PodDisruptionBudgets.  Chose "${chosen}" arbitrarily.`;
  return ['Warning', 'MultiplePodDisruptionBudgets', message, SOURCE] as const;
}
