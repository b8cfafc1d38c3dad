import { isDeepStrictEqual } from 'node:util';
import { ConfigMap, definePlugin, runQueue, Secret } from 'kernetes/sdk';
import { sign, signingToken } from './signature.ts';

const KEY = 'kube-public/cluster-info';
const SIGNED = 'kubeconfig';
const SIGNATURE_PREFIX = 'jws-kubeconfig-';

/** Who joins with a token finds in the ConfigMap that the cluster knows the same token. */
export default definePlugin({
  name: 'controller.bootstrap-signer',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const infos = ctx.informer(ConfigMap, {
      namespace: 'kube-public',
      fieldSelector: 'metadata.name=cluster-info',
    });
    const secrets = ctx.informer(Secret, {
      namespace: 'kube-system',
      fieldSelector: 'type=bootstrap.kubernetes.io/token',
      fields: ['type', 'data'],
    });
    const queue = runQueue(ctx, {
      async work() {
        const info = infos.get(KEY);
        if (!info) return undefined;
        const data = signed(info, secrets.list('kube-system'), ctx.clock.now());
        if (!isDeepStrictEqual(data, info.data ?? {})) {
          await ctx.objects.update(ConfigMap, { ...info, data });
        }
        return undefined;
      },
    });
    const add = () => queue.add(KEY);
    infos.on({ added: add, updated: add });
    // A token that is over is taken away by the cleaner, which is news here.
    secrets.on({ added: add, updated: add, deleted: add });
    void Promise.all([infos.synced, secrets.synced]).then(() => queue.start());
  },
});

function signed(
  { data = {} }: ConfigMap,
  secrets: readonly Secret[],
  now: number,
): Record<string, string> {
  const others = Object.entries(data).filter(([key]) => !key.startsWith(SIGNATURE_PREFIX));
  const text = data[SIGNED];
  const tokens = text === undefined ? [] : secrets.map(secret => signingToken(secret, now));
  const signatures = tokens
    .filter(token => token !== undefined)
    .map(token => [`${SIGNATURE_PREFIX}${token.id}`, sign(text ?? '', token)]);
  return Object.fromEntries([...others, ...signatures]);
}
