import {
  ApiError,
  ConfigMap,
  definePlugin,
  listenerPoint,
  Namespace,
  type PluginContext,
  runQueue,
} from 'kernetes/sdk';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal ' +
  'endpoints such as the internal service IP or kubernetes.default.svc. No other usage is ' +
  'guaranteed across distributions of Kubernetes clusters.';

export default definePlugin({
  name: 'controller.root-ca-publisher',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const namespaces = ctx.informer(Namespace, { fields: [] });
    const published = ctx.informer(ConfigMap, { fieldSelector: `metadata.name=${NAME}` });
    const listeners = ctx.contributions(listenerPoint);
    const queue = runQueue(ctx, {
      concurrency: 5,
      replay: () => addAll(),
      async work(namespace) {
        const certificate = listeners.list()[0]?.value.certificateAuthority;
        const found = namespaces.get(namespace);
        if (certificate === undefined || !found || found.metadata.deletionTimestamp)
          return undefined;
        await publish(ctx, published.get(`${namespace}/${NAME}`), { namespace, certificate });
        return undefined;
      },
    });
    const add = ({ metadata }: ConfigMap) => queue.add(metadata.namespace ?? '');
    published.on({ updated: add, deleted: add });
    namespaces.on({ added: ({ metadata }) => queue.add(metadata.name ?? '') });
    const addAll = () => {
      for (const { metadata } of namespaces.list()) queue.add(metadata.name ?? '');
    };
    listeners.onChange(addAll);
    // What is there already is looked at when both copies are complete.
    void Promise.all([namespaces.synced, published.synced]).then(() => queue.start());
  },
});

async function publish(
  { objects }: PluginContext,
  found: ConfigMap | undefined,
  { namespace, certificate }: { readonly namespace: string; readonly certificate: string },
): Promise<void> {
  const data = { 'ca.crt': certificate };
  const annotations = { 'kubernetes.io/description': DESCRIPTION };
  if (found === undefined) {
    const metadata = { name: NAME, namespace, annotations };
    await objects.create(ConfigMap, { metadata, data }).catch(ignoreRaces);
    return;
  }
  const keys = Object.keys(found.data ?? {});
  const isSame = keys.length === 1 && found.data?.['ca.crt'] === certificate;
  const { annotations: own } = found.metadata;
  if (isSame && own?.['kubernetes.io/description'] === DESCRIPTION) return;
  const metadata = { ...found.metadata, annotations: { ...own, ...annotations } };
  await objects.update(ConfigMap, { ...found, metadata, data });
}

/** Made by somebody else, or the namespace went meanwhile: both are as they should be. */
function ignoreRaces(error: unknown): void {
  const isTerminating =
    ApiError.is(error, 'Forbidden') &&
    error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating');
  if (isTerminating || ApiError.is(error, 'AlreadyExists') || ApiError.is(error, 'NotFound'))
    return;
  throw error;
}
