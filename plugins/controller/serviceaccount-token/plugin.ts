import {
  ApiError,
  definePlugin,
  keyOf,
  listenerPoint,
  parseKey,
  runQueue,
  Secret,
  ServiceAccount,
  tokenIssuerPoint,
} from 'kernetes/sdk';
import { accountName, filled, isFor, TYPE } from './token-secret.ts';

export default definePlugin({
  name: 'controller.serviceaccount-token',
  activate(ctx) {
    const { objects } = ctx;
    const secrets = ctx.informer(Secret, {
      fieldSelector: `type=${TYPE}`,
      indexes: {
        account: (secret: Secret) => [`${secret.metadata.namespace}/${accountName(secret)}`],
      },
    });
    const accounts = ctx.informer(ServiceAccount, { fields: [] });
    const issuers = ctx.contributions(tokenIssuerPoint);
    const listeners = ctx.contributions(listenerPoint);

    /** The copy may not show yet what was made a moment ago: nothing is deleted by it alone. */
    async function findAccount(secret: Secret): Promise<ServiceAccount | undefined> {
      const key = `${secret.metadata.namespace}/${accountName(secret)}`;
      const found = accounts.get(key);
      if (found !== undefined && isFor(secret, found)) return found;
      const live = await objects.get(ServiceAccount, parseKey(key)).catch(missing);
      return live !== undefined && isFor(secret, live) ? live : undefined;
    }

    const queue = runQueue(ctx, {
      concurrency: 5,
      async work(key) {
        const secret = secrets.get(key);
        const [issuer] = issuers.list();
        if (secret === undefined || secret.metadata.deletionTimestamp) return undefined;
        if (issuer === undefined || accountName(secret) === '') return undefined;
        const account = await findAccount(secret);
        if (account === undefined) {
          const { uid = '', resourceVersion = '' } = secret.metadata;
          const preconditions = { uid, resourceVersion };
          await objects.delete(Secret, parseKey(key), { preconditions });
          return undefined;
        }
        const certificate = listeners.list()[0]?.value.certificateAuthority;
        const wanted = filled(secret, account, { issuer: issuer.value, certificate });
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
  },
});

function missing(error: unknown): undefined {
  if (!ApiError.is(error, 'NotFound')) throw error;
}
