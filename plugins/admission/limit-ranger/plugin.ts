import { admissionPoint, definePlugin, LimitRange } from 'kernetes/sdk';
import { limitRanger } from './limit-ranger.ts';

export default definePlugin({
  name: 'admission.limit-ranger',
  async activate(ctx) {
    const ranges = ctx.informer(LimitRange);
    await ranges.synced;
    ctx.provide(admissionPoint, limitRanger(ranges));
  },
});
