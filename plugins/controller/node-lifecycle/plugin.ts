import {
  byNode,
  definePlugin,
  Lease,
  NODE_FIELDS,
  Node,
  POD_FIELDS,
  Pod,
  type RunningController,
  runController,
} from 'kernetes/sdk';
import { CONFIG_SCHEMA, type Config } from './config.ts';
import { NodeLifecycle } from './node-lifecycle.ts';

export default definePlugin<Config>({
  name: 'controller.node-lifecycle',
  leader: 'kube-controller-manager',
  config: CONFIG_SCHEMA,
  activate(ctx) {
    const { clock, config, metrics } = ctx;
    let running: RunningController | undefined;
    let lifecycle: NodeLifecycle | undefined;
    const enqueue = (name: string) => running?.enqueue({ name });
    // Before the queue follows, which then works on every node: while another leads nodes come and
    // go that are not looked at here, so a leader begins with nothing, and its timers end with it.
    ctx.leadership.follow({
      begin() {
        lifecycle = new NodeLifecycle({ clock, config, metrics, enqueue });
      },
      end() {
        lifecycle?.stop();
        lifecycle = undefined;
      },
    });
    running = runController(ctx, {
      for: Node,
      fields: NODE_FIELDS,
      // A cluster begins with a change of every node: many travel together.
      concurrency: 64,
      watches: [
        // Here for being synced before the first look; a heartbeat enqueues nothing, see below.
        { kind: Lease, fields: ['spec.renewTime'], map: () => [] },
        {
          kind: Pod,
          fields: POD_FIELDS,
          indexes: { node: byNode },
          map: (pod, { informer }) =>
            byNode(pod)
              .filter(name => isUnknown(informer(Node).get(name)))
              .map(name => ({ name })),
        },
      ],
      async reconcile(key, context) {
        await lifecycle?.reconcile(key, context);
        return undefined;
      },
    });
    // Noted at once instead of reconciling the node: thousands of nodes send hundreds a second.
    const renewed = (lease: Lease) => {
      if (lease.metadata.namespace === 'kube-node-lease') lifecycle?.renewed(lease);
    };
    running.informer(Lease).on({ added: renewed, updated: renewed });
  },
});

function isUnknown(node: Node | undefined): boolean {
  return !!node?.status?.conditions?.some(
    ({ type, status }) => type === 'Ready' && status === 'Unknown',
  );
}
