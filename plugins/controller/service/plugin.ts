import {
  definePlugin,
  loadBalancerPoint,
  NODE_FIELDS,
  Node,
  runController,
  Service,
} from 'kernetes/sdk';
import { Balancing, FINALIZER } from './balancing.ts';
import { takesTraffic } from './nodes.ts';

export default definePlugin({
  name: 'controller.service',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const balancing = new Balancing();
    const balancers = ctx.contributions(loadBalancerPoint);
    const nodes = ctx.informer(Node, { fields: NODE_FIELDS });
    const running = runController(ctx, {
      for: Service,
      concurrency: 5,
      async reconcile(key, context) {
        await nodes.synced;
        await balancing.reconcile(key, {
          context,
          balancers: balancers.list().map(({ value }) => value),
          nodes: nodes.list().filter(takesTraffic),
        });
        return undefined;
      },
    });
    /** Only those that have or want a balancer. */
    const enqueueAll = () => {
      for (const { metadata, spec } of running.informer(Service).list()) {
        const { namespace = '', name = '', finalizers } = metadata;
        if (spec?.type === 'LoadBalancer' || finalizers?.includes(FINALIZER)) {
          running.enqueue({ namespace, name });
        }
      }
    };
    balancers.onChange(enqueueAll);
    const enqueueIf = (isChanged: boolean) => isChanged && enqueueAll();
    nodes.on({
      added: node => enqueueIf(takesTraffic(node)),
      updated: (node, old) => enqueueIf(takesTraffic(node) !== takesTraffic(old)),
      deleted: node => enqueueIf(takesTraffic(node)),
    });
  },
});
