import {
  type AdmissionPlugin,
  type AdmissionRequest,
  ApiError,
  admissionPoint,
  definePlugin,
  forbidden,
  type Informer,
  Namespace,
  notFound,
} from 'kernetes/sdk';

/** Namespaces without which a cluster does not work. */
const PERMANENT = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', resource: 'namespaces' };

export default definePlugin({
  name: 'admission.namespace-lifecycle',
  async activate(ctx) {
    const namespaces = ctx.informer(Namespace);
    await namespaces.synced;
    ctx.provide(admissionPoint, namespaceLifecycle(namespaces));
  },
});

export function namespaceLifecycle(namespaces: Pick<Informer<Namespace>, 'get'>): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE'], groups: ['*'], resources: ['*'] },
      { operations: ['DELETE'], groups: [''], resources: ['namespaces'] },
    ],
    mutate(request) {
      if (request.operation === 'DELETE') refusePermanent(request);
      else requireNamespace(request, namespaces);
      return undefined;
    },
  };
}

function refusePermanent(request: AdmissionRequest): void {
  if (!PERMANENT.has(request.name)) return;
  throw forbidden(NAMESPACES, request.name, 'this namespace may not be deleted');
}

/** Throws unless the namespace is there and may get new objects. */
function requireNamespace(
  request: AdmissionRequest,
  namespaces: Pick<Informer<Namespace>, 'get'>,
): void {
  const { namespace, group, resource, name } = request;
  if (namespace === '' || (group === '' && resource === 'namespaces')) return;
  const found = namespaces.get(namespace);
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden({ group, resource }, name, why);
  const message = `namespace ${namespace} is being terminated`;
  const cause = { reason: 'NamespaceTerminating', message, field: 'metadata.namespace' };
  throw new ApiError({ ...status, details: { ...status.details, causes: [cause] } });
}
