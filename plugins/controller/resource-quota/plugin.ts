import { definePlugin, servedKindPoint } from 'kernetes/sdk';
import { QuotaController } from './resource-quota.ts';

export default definePlugin({
  name: 'controller.resource-quota',
  leader: 'kube-controller-manager',
  activate(ctx) {
    new QuotaController(ctx, ctx.contributions(servedKindPoint)).start();
  },
});
