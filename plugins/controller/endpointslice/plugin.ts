import {
  byLabel,
  definePlugin,
  EndpointSlice,
  Node,
  POD_FIELDS,
  Pod,
  runController,
  Service,
  servicesOfPod,
} from 'kernetes/sdk';
import { SliceReconciler } from './endpointslice.ts';

export default definePlugin({
  name: 'controller.endpointslice',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const reconciler = new SliceReconciler(ctx.clock);
    runController(ctx, {
      for: Service,
      owns: [EndpointSlice],
      watches: [
        { kind: Pod, fields: POD_FIELDS, indexes: { label: byLabel }, map: servicesOfPod },
        // Only looked up, for the zone: that of a node does not change.
        { kind: Node, fields: [], map: () => [] },
      ],
      concurrency: 10,
      // Pods come in crowds: one write of a slice for many.
      intervalMs: 100,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });
  },
});
