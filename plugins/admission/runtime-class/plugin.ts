import { admissionPoint, definePlugin, openFinder, RuntimeClass } from 'kernetes/sdk';
import { runtimeClassAdmission } from './runtime-class.ts';

export default definePlugin({
  name: 'admission.runtime-class',
  async activate(ctx) {
    const find = await openFinder(ctx, RuntimeClass, { fields: ['overhead', 'scheduling'] });
    ctx.provide(admissionPoint, runtimeClassAdmission(find));
  },
});
