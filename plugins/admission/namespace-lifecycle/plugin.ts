import {
  type AdmissionPlugin,
  type AdmissionRequest,
  ApiError,
  admissionPoint,
  definePlugin,
  forbidden,
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
    // The informer may not show yet what another server on the same database made.
    const find = (name: string) =>
      namespaces.get(name) ?? ctx.objects.get(Namespace, { name }).catch(missing);
    ctx.provide(admissionPoint, namespaceLifecycle(find));
  },
});

/** Finds a namespace; undefined: there is none. */
type FindNamespace = (name: string) => Namespace | Promise<Namespace | undefined>;

function namespaceLifecycle(find: FindNamespace): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE'], groups: ['*'], resources: ['*'] },
      { operations: ['DELETE'], groups: [''], resources: ['namespaces'] },
    ],
    mutate(request) {
      if (request.operation === 'DELETE') return refusePermanent(request);
      const { namespace, group, resource } = request;
      if (namespace === '' || (group === '' && resource === 'namespaces')) return undefined;
      const found = find(namespace);
      if (found instanceof Promise) return found.then(each => requireOpen(request, each));
      return requireOpen(request, found);
    },
  };
}

function missing(error: unknown): undefined {
  if (!ApiError.is(error, 'NotFound')) throw error;
}

function refusePermanent(request: AdmissionRequest): void {
  if (!PERMANENT.has(request.name)) return;
  throw forbidden(NAMESPACES, request.name, 'this namespace may not be deleted');
}

/** Throws unless the namespace is there and may get new objects. */
function requireOpen(request: AdmissionRequest, found: Namespace | undefined): void {
  const { namespace, group, resource, name } = request;
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = forbidden({ group, resource }, name, why);
  const message = `namespace ${namespace} is being terminated`;
  const cause = { reason: 'NamespaceTerminating', message, field: 'metadata.namespace' };
  throw new ApiError({ ...status, details: { ...status.details, causes: [cause] } });
}
