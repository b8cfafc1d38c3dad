import {
  adopters,
  type ControllerView,
  controllerOf,
  definePlugin,
  Job,
  type ObjectKey,
  POD_FIELDS,
  Pod,
  runController,
  selectorFrom,
} from 'kernetes/sdk';
import { JobReconciler } from './job.ts';
import { isTracked, lostIn, trackedFor } from './tracked-pod.ts';

export default definePlugin({
  name: 'controller.job',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const reconciler = new JobReconciler(ctx.clock);
    runController(ctx, {
      for: Job,
      owns: [{ kind: Pod, fields: POD_FIELDS, indexes: { tracked: trackedFor } }],
      watches: [{ kind: Pod, fields: POD_FIELDS, map: concerned }],
      concurrency: 5,
      // Pods start and end in crowds: one write of the status for many.
      intervalMs: 100,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });
  },
});

const claimants = adopters(Job, ({ spec }) => selectorFrom(spec?.selector));

/** Of a pod that nobody manages: who selects it, and who lets it go if it is held. */
function concerned(pod: Pod, view: ControllerView): readonly ObjectKey[] {
  const isLost = isTracked(pod) && !controllerOf(pod);
  return [...(isLost ? [lostIn(pod.metadata.namespace)] : []), ...claimants(pod, view)];
}
