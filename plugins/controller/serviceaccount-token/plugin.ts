import {
  definePlugin,
  isUpTo,
  keyOf,
  listenerPoint,
  parseKey,
  RELEASE_CONFIG,
  type ReleaseConfig,
  runQueue,
  Secret,
  ServiceAccount,
  tokenIssuerPoint,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import { LAST_RELEASE, runAutomaticSecrets } from './automatic-secrets.ts';
import { accountName, filled, isFor, TYPE } from './token-secret.ts';

export default definePlugin<ReleaseConfig>({
  name: 'controller.serviceaccount-token',
  leader: 'kube-controller-manager',
  config: RELEASE_CONFIG,
  activate(ctx) {
    const { objects } = ctx;
    const isAutomatic = isUpTo(LAST_RELEASE, ctx.config.release);
    const secrets = ctx.informer(Secret, {
      fieldSelector: `type=${TYPE}`,
      indexes: {
        account: (secret: Secret) => [`${secret.metadata.namespace}/${accountName(secret)}`],
      },
    });
    const accounts = ctx.informer(ServiceAccount, { fields: isAutomatic ? ['secrets'] : [] });
    const issuers = ctx.contributions(tokenIssuerPoint);
    const listeners = ctx.contributions(listenerPoint);
    const fillOptions = () => {
      const [issuer] = issuers.list();
      const certificate = listeners.list()[0]?.value.certificateAuthority;
      return issuer && { issuer: issuer.value, certificate };
    };

    /** The copy may not show yet what was made a moment ago: nothing is deleted by it alone. */
    async function findAccount(secret: Secret): Promise<ServiceAccount | undefined> {
      const key = `${secret.metadata.namespace}/${accountName(secret)}`;
      const found = accounts.get(key);
      if (found !== undefined && isFor(secret, found)) return found;
      const live = await objects.get(ServiceAccount, parseKey(key)).catch(undefinedIfNotFound);
      return live !== undefined && isFor(secret, live) ? live : undefined;
    }

    const queue = runQueue(ctx, {
      concurrency: 5,
      replay: () => addAll(),
      async work(key) {
        const secret = secrets.get(key);
        const fill = fillOptions();
        if (secret === undefined || secret.metadata.deletionTimestamp) return undefined;
        if (fill === undefined || accountName(secret) === '') return undefined;
        const account = await findAccount(secret);
        if (account === undefined) {
          const { uid = '', resourceVersion = '' } = secret.metadata;
          const preconditions = { uid, resourceVersion };
          await objects.delete(Secret, parseKey(key), { preconditions });
          return undefined;
        }
        const wanted = filled(secret, account, fill);
        if (wanted !== undefined) await objects.update(Secret, wanted);
        return undefined;
      },
    });
    const add = (secret: Secret) => queue.add(keyOf(secret));
    const addAll = () => secrets.list().forEach(add);
    secrets.on({ added: add, updated: add });
    accounts.on({ deleted: account => secrets.byIndex('account', keyOf(account)).forEach(add) });
    listeners.onChange(addAll);
    issuers.onChange(addAll);
    queue.start();
    if (!isAutomatic) return;
    issuers.onChange(runAutomaticSecrets(ctx, { accounts, secrets, fillOptions }));
  },
});
