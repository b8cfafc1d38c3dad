import { definePlugin, NODE_FIELDS, Node, routesPoint, runQueue } from 'kernetes/sdk';
import { type Config, NodeRoutes, networkUnavailable } from './node-routes.ts';
import { routesOf } from './route-plan.ts';

export default definePlugin<Config>({
  name: 'controller.node-routes',
  leader: 'kube-controller-manager',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      clusterName: { type: 'string', default: 'kubernetes' },
      clusterCidr: { type: 'string', default: '10.244.0.0/16' },
      routeReconciliationPeriodMs: { type: 'integer', minimum: 100, default: 10_000 },
      provider: { type: 'string', default: '' },
    },
  },
  activate(ctx) {
    const nodes = ctx.informer(Node, { fields: NODE_FIELDS });
    const providers = ctx.contributions(routesPoint);
    const routes = new NodeRoutes(ctx, { nodes, providers });
    // One look at all routes for all nodes: a provider can only list them together.
    const queue = runQueue(ctx, {
      async work() {
        await routes.reconcile();
        return { requeueAfter: ctx.config.routeReconciliationPeriodMs };
      },
      intervalMs: TOGETHER_MS,
    });
    const reconcile = () => queue.add('routes');
    nodes.on({
      added: reconcile,
      updated(node, old) {
        if (factsOf(node) !== factsOf(old)) reconcile();
      },
      deleted: reconcile,
    });
    ctx.onDispose(providers.onChange(reconcile));
    reconcile();
    void nodes.synced.then(() => queue.start());
  },
});

/** Of heartbeats there are many, and they change nothing. */
function factsOf(node: Node): string {
  return JSON.stringify([routesOf(node), networkUnavailable(node)?.status]);
}

/** Nodes that come in one moment are dealt with in one. */
const TOGETHER_MS = 500;
