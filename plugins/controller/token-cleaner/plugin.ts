import { definePlugin, keyOf, parseKey, runQueue, Secret } from 'kernetes/sdk';

const TYPE = 'bootstrap.kubernetes.io/token';
/** A timer for longer than this is set anew meanwhile. */
const WAIT_MS_MAX = 24 * 60 * 60 * 1_000;

export default definePlugin({
  name: 'controller.token-cleaner',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const secrets = ctx.informer(Secret, {
      namespace: 'kube-system',
      fieldSelector: `type=${TYPE}`,
      fields: ['type', 'data'],
    });
    const queue = runQueue(ctx, {
      async work(key) {
        const secret = secrets.get(key);
        const expiry = secret && expiryOf(secret);
        if (secret === undefined || expiry === undefined) return undefined;
        const left = expiry - ctx.clock.now();
        if (left > 0) return { requeueAfter: Math.min(left, WAIT_MS_MAX) };
        const { uid = '' } = secret.metadata;
        await ctx.objects.delete(Secret, parseKey(key), { preconditions: { uid } });
        return undefined;
      },
      replay: () => secrets.list().forEach(add),
    });
    const add = (secret: Secret) => queue.add(keyOf(secret));
    secrets.on({ added: add, updated: add });
    queue.start();
  },
});

/** Milliseconds since the epoch; undefined: never. What cannot be read is long ago. */
function expiryOf({ type, data = {} }: Secret): number | undefined {
  const encoded = data.expiration;
  if (type !== TYPE || !encoded) return undefined;
  const at = Date.parse(Buffer.from(encoded, 'base64').toString());
  return Number.isNaN(at) ? 0 : at;
}
