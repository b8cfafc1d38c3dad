import { definePlugin, servedKindPoint } from 'kernetes/sdk';
import { QuotaController } from './resource-quota.ts';

export default definePlugin({
  name: 'controller.resource-quota',
  activate(ctx) {
    new QuotaController(ctx, ctx.contributions(servedKindPoint)).start();
  },
});
