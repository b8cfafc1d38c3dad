import { admissionPoint, definePlugin, PriorityClass, undefinedIfNotFound } from 'kernetes/sdk';
import { PriorityAdmission } from './priority.ts';

export default definePlugin({
  name: 'admission.priority',
  async activate(ctx) {
    const classes = ctx.informer(PriorityClass, {
      fields: ['value', 'globalDefault', 'preemptionPolicy'],
    });
    const ask = (name: string) =>
      ctx.objects.get(PriorityClass, { name }).catch(undefinedIfNotFound);
    const admission = new PriorityAdmission(classes, ask);
    await classes.synced;
    ctx.provide(admissionPoint, admission);
  },
});
