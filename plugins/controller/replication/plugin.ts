import { definePlugin, ReplicationController, runReplicas, selectorFromSet } from 'kernetes/sdk';

export default definePlugin({
  name: 'controller.replication',
  leader: 'kube-controller-manager',
  activate(ctx) {
    runReplicas(ctx, {
      kind: ReplicationController,
      selectorOf: ({ spec }) => selectorFromSet(spec?.selector ?? {}),
      tellsTerminating: false,
    });
  },
});
