import { definePlugin, Namespace, runController, servedKindPoint } from 'kernetes/sdk';
import { NamespaceEmptier } from './namespace.ts';

export default definePlugin({
  name: 'controller.namespace',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const kinds = ctx.contributions(servedKindPoint);
    const emptier = new NamespaceEmptier(() => kinds.list().map(({ value }) => value));
    runController(ctx, {
      for: Namespace,
      concurrency: 10,
      reconcile: (_key, context) => emptier.reconcile(context),
    });
  },
});
