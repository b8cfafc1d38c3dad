import {
  ApiError,
  controller,
  Namespace,
  type ObjectKey,
  type ReconcileContext,
  ServiceAccount,
} from 'kernetes/sdk';

const DEFAULT = 'default';

/** Every namespace has a service account of this name, for pods that name none. */
export default controller<Namespace, unknown, [ServiceAccount]>({
  name: 'controller.serviceaccount',
  leader: 'kube-controller-manager',
  for: Namespace,
  fields: [],
  watches: [
    {
      kind: ServiceAccount,
      fields: [],
      map: ({ metadata }) => [{ name: metadata.namespace ?? '' }],
    },
  ],
  concurrency: 5,
  reconcile: ensureDefault,
});

async function ensureDefault(
  { name: namespace }: ObjectKey,
  { object, informer, objects }: ReconcileContext<Namespace, unknown>,
): Promise<undefined> {
  if (object === undefined || object.metadata.deletionTimestamp) return;
  if (informer(ServiceAccount).get(`${namespace}/${DEFAULT}`)) return;
  const account = { metadata: { name: DEFAULT, namespace } };
  try {
    await objects.create(ServiceAccount, account);
  } catch (error) {
    // Made by somebody else, or the namespace went meanwhile: both are as they should be.
    if (!ApiError.is(error, 'AlreadyExists') && !ApiError.is(error, 'NotFound')) throw error;
  }
}
