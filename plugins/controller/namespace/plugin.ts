import { definePlugin, Namespace, runController, servedKindPoint } from 'kernetes/sdk';
import { emptyAndRelease } from './namespace.ts';

export default definePlugin({
  name: 'controller.namespace',
  activate(ctx) {
    const kinds = ctx.contributions(servedKindPoint);
    runController(ctx, {
      for: Namespace,
      concurrency: 5,
      reconcile: (_key, context) =>
        emptyAndRelease(
          context,
          kinds.list().map(({ value }) => value),
        ),
    });
  },
});
