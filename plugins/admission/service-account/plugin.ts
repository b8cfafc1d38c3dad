import { admissionPoint, definePlugin, ServiceAccount } from 'kernetes/sdk';
import { AccountLookup } from './account-lookup.ts';
import { serviceAccountAdmission } from './service-account.ts';

export default definePlugin({
  name: 'admission.service-account',
  async activate(ctx) {
    const accounts = ctx.informer(ServiceAccount, {
      fields: ['automountServiceAccountToken', 'imagePullSecrets', 'secrets'],
    });
    const lookup = new AccountLookup({ accounts, objects: ctx.objects, clock: ctx.clock });
    await accounts.synced;
    const find = (namespace: string, name: string) => lookup.find(namespace, name);
    ctx.provide(admissionPoint, serviceAccountAdmission(find, ctx.random));
  },
});
