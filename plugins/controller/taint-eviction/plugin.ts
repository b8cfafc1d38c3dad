import {
  byNode,
  definePlugin,
  NODE_FIELDS,
  Node,
  POD_FIELDS,
  Pod,
  runController,
} from 'kernetes/sdk';
import { evictingTaints, TaintEviction } from './taint-eviction.ts';

export default definePlugin({
  name: 'controller.taint-eviction',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const eviction = new TaintEviction();
    runController(ctx, {
      for: Node,
      fields: NODE_FIELDS,
      concurrency: 8,
      watches: [
        {
          kind: Pod,
          fields: POD_FIELDS,
          indexes: { node: byNode },
          // Only nodes with such taints concern us; a look at the copy tells that for nothing.
          map: (pod, { informer }) =>
            byNode(pod)
              .filter(name => evictingTaints(informer(Node).get(name)).length > 0)
              .map(name => ({ name })),
        },
      ],
      reconcile: (key, context) => eviction.reconcile(key, context),
    });
  },
});
