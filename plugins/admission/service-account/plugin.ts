import {
  admissionPoint,
  definePlugin,
  isUpTo,
  type PluginContext,
  RELEASE_CONFIG,
  type ReleaseConfig,
  Secret,
  ServiceAccount,
} from 'kernetes/sdk';
import { AccountLookup } from './account-lookup.ts';
import { type MountToken, serviceAccountAdmission } from './service-account.ts';
import { LAST_RELEASE, mountSecret } from './token-secret.ts';
import { mountToken } from './token-volume.ts';

export default definePlugin<ReleaseConfig>({
  name: 'admission.service-account',
  config: RELEASE_CONFIG,
  async activate(ctx) {
    const accounts = ctx.informer(ServiceAccount, {
      fields: ['automountServiceAccountToken', 'imagePullSecrets', 'secrets'],
    });
    const lookup = new AccountLookup({ accounts, objects: ctx.objects, clock: ctx.clock });
    await accounts.synced;
    const find = (namespace: string, name: string) => lookup.find(namespace, name);
    ctx.provide(admissionPoint, serviceAccountAdmission(find, await mounter(ctx)));
  },
});

async function mounter(ctx: PluginContext<ReleaseConfig>): Promise<MountToken> {
  const { random, config } = ctx;
  if (!isUpTo(LAST_RELEASE, config.release)) return spec => mountToken(spec, random);
  const fieldSelector = 'type=kubernetes.io/service-account-token';
  const tokens = ctx.informer(Secret, { fieldSelector, fields: [] });
  await tokens.synced;
  return (spec, account) => mountSecret(spec, account, { tokens, random });
}
