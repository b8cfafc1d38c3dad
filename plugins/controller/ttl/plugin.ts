import {
  definePlugin,
  NODE_FIELDS,
  Node,
  type RunningController,
  runController,
} from 'kernetes/sdk';
import { ClusterSize } from './cluster-size.ts';

export default definePlugin({
  name: 'controller.ttl',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const size = new ClusterSize();
    let refreshing = false;
    const running: RunningController = runController(ctx, {
      for: Node,
      fields: NODE_FIELDS,
      // A cluster begins with a change of every node: many travel together.
      concurrency: 64,
      async reconcile({ name }, { object: node, objects }) {
        // All are written when the cluster had time to grow, which is soon.
        if (refreshing) return undefined;
        const wanted = String(size.ttlSeconds);
        if (!node || node.metadata.annotations?.[ANNOTATION] === wanted) return undefined;
        await objects.patch(
          Node,
          { name },
          { metadata: { annotations: { [ANNOTATION]: wanted } } },
        );
        return undefined;
      },
    });
    const nodes = running.informer(Node);
    const refresh = () => {
      refreshing = false;
      for (const { metadata } of nodes.list()) running.enqueue({ name: metadata.name ?? '' });
    };
    const count = (change: number) => {
      // Nodes that were there before are not the cluster growing.
      if (!size.add(change) || refreshing || !nodes.hasSynced) return;
      refreshing = true;
      ctx.clock.setTimeout(refresh, REFRESH_MS);
    };
    nodes.on({ added: () => count(1), deleted: () => count(-1) });
  },
});

const ANNOTATION = 'node.alpha.kubernetes.io/ttl';
/** A cluster that grows crosses several steps: upstream comes to each node with its next report too. */
const REFRESH_MS = 10_000;
