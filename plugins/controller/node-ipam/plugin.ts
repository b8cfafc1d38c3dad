import {
  definePlugin,
  NODE_FIELDS,
  Node,
  type RunningController,
  runController,
} from 'kernetes/sdk';
import { CONFIG_SCHEMA, type Config } from './config.ts';
import { NodeIpam } from './node-ipam.ts';

export default definePlugin<Config>({
  name: 'controller.node-ipam',
  leader: 'kube-controller-manager',
  config: CONFIG_SCHEMA,
  activate(ctx) {
    const { config, log } = ctx;
    let running: RunningController | undefined;
    let isActivating = true;
    const ipam = new NodeIpam({ config, log, enqueue: name => running?.enqueue({ name }) });
    // Before the queue follows. Who leads from its start on lists all nodes first anyway.
    ctx.leadership.follow({
      begin() {
        if (!isActivating) ipam.lead();
      },
    });
    isActivating = false;
    running = runController(ctx, {
      for: Node,
      fields: NODE_FIELDS,
      // Many nodes come in one moment, and their writes travel together.
      concurrency: 64,
      reconcile: (key, context) => ipam.reconcile(key, context).then(() => undefined),
    });
    running.informer(Node).on({
      added: node => ipam.seen(node),
      updated: node => ipam.seen(node),
      deleted: node => ipam.gone(node),
    });
  },
});
