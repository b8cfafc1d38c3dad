import { isDeepStrictEqual } from 'node:util';
import {
  adopters,
  ControllerRevision,
  DaemonSet,
  definePlugin,
  keyOf,
  NODE_FIELDS,
  Node,
  POD_FIELDS,
  Pod,
  parseKey,
  runController,
  selectorFrom,
} from 'kernetes/sdk';
import { DaemonSetReconciler } from './daemonset.ts';

export default definePlugin({
  name: 'controller.daemonset',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const map = adopters(DaemonSet, ({ spec }) => selectorFrom(spec?.selector));
    const reconciler = new DaemonSetReconciler(ctx.clock);
    const controller = runController(ctx, {
      for: DaemonSet,
      owns: [{ kind: Pod, fields: POD_FIELDS }, ControllerRevision],
      watches: [
        { kind: Pod, fields: POD_FIELDS, map },
        { kind: ControllerRevision, map },
        // Its changes are compared below.
        { kind: Node, fields: NODE_FIELDS, map: () => [] },
      ],
      concurrency: 2,
      // Pods become ready in crowds: one look at all nodes, and one write of the status, for many.
      intervalMs: 50,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });

    const nodes = controller.informer(Node);
    /** A node concerns only those sets that see it with other eyes than before. */
    const compare = (node: Node | undefined, old: Node | undefined) => {
      // Nothing is worked on before all nodes are there, and then everything.
      if (!nodes.hasSynced) return;
      for (const set of controller.informer(DaemonSet).list()) {
        const before = reconciler.placement.verdict(set, old);
        const now = reconciler.placement.verdict(set, node);
        if (!isDeepStrictEqual(before, now)) controller.enqueue(parseKey(keyOf(set)));
      }
    };
    nodes.on({
      added: node => compare(node, undefined),
      deleted: node => compare(undefined, node),
      updated(node, old) {
        if (!isSameForPods(node, old)) compare(node, old);
      },
    });
  },
});

/** Heartbeats and what else pods do not look at. */
function isSameForPods(a: Node, b: Node): boolean {
  return (
    isDeepStrictEqual(a.metadata.labels, b.metadata.labels) &&
    isDeepStrictEqual(a.spec?.taints, b.spec?.taints)
  );
}
