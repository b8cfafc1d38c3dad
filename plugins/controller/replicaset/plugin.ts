import { definePlugin, ReplicaSet, runReplicas, selectorFrom } from 'kernetes/sdk';

export default definePlugin({
  name: 'controller.replicaset',
  leader: 'kube-controller-manager',
  activate(ctx) {
    runReplicas(ctx, {
      kind: ReplicaSet,
      selectorOf: ({ spec }) => selectorFrom(spec?.selector),
      tellsTerminating: true,
    });
  },
});
