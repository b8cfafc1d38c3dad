import { ApiError, admissionPoint, definePlugin, RuntimeClass } from 'kernetes/sdk';
import { runtimeClassAdmission } from './runtime-class.ts';

export default definePlugin({
  name: 'admission.runtime-class',
  async activate(ctx) {
    const classes = ctx.informer(RuntimeClass, { fields: ['overhead', 'scheduling'] });
    await classes.synced;
    const find = (name: string) =>
      classes.get(name) ?? ctx.objects.get(RuntimeClass, { name }).catch(missing);
    ctx.provide(admissionPoint, runtimeClassAdmission(find));
  },
});

function missing(error: unknown): undefined {
  if (!ApiError.is(error, 'NotFound')) throw error;
}
