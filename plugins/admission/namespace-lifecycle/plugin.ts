import {
  type AdmissionPlugin,
  type AdmissionRequest,
  ApiError,
  admissionForbidden,
  admissionPoint,
  type Clock,
  definePlugin,
  type Find,
  forbidden,
  Namespace,
  notFound,
  undefinedIfNotFound,
} from 'kernetes/sdk';

/** Namespaces without which a cluster does not work. */
const PERMANENT = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', resource: 'namespaces' };

export default definePlugin({
  name: 'admission.namespace-lifecycle',
  async activate(ctx) {
    const namespaces = ctx.informer(Namespace);
    await namespaces.synced;
    const deleted = new RecentNames(ctx.clock);
    const find = (name: string) => {
      const known = namespaces.get(name);
      const isOld = known && !known.metadata.deletionTimestamp && deleted.has(name);
      // The informer may not show yet what was deleted, or what another server on the same
      // database made.
      if (known && !isOld) return known;
      return ctx.objects.get(Namespace, { name }).catch(undefinedIfNotFound);
    };
    ctx.provide(admissionPoint, namespaceLifecycle(find, deleted));
  },
});

function namespaceLifecycle(find: Find<Namespace>, deleted: RecentNames): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE'], groups: ['*'], resources: ['*/*'] },
      { operations: ['DELETE'], groups: [''], resources: ['namespaces'] },
    ],
    mutate(request) {
      const { namespace, group, resource } = request;
      if (request.operation === 'DELETE') {
        refusePermanent(request);
        if (!request.dryRun) deleted.add(request.name);
        return undefined;
      }
      // To say that a namespace is not there would tell about it.
      if (resource === 'localsubjectaccessreviews') return undefined;
      if (namespace === '' || (group === '' && resource === 'namespaces')) return undefined;
      const found = find(namespace);
      if (found instanceof Promise) return found.then(each => requireOpen(request, each));
      return requireOpen(request, found);
    },
  };
}

/** Names for a while, the last ones only. */
class RecentNames {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(name: string): void {
    this.#untilMs.delete(name);
    this.#untilMs.set(name, this.#clock.now() + RECENT_MS);
    if (this.#untilMs.size <= RECENT_MAX) return;
    const [oldest] = this.#untilMs.keys();
    if (oldest !== undefined) this.#untilMs.delete(oldest);
  }

  has(name: string): boolean {
    return (this.#untilMs.get(name) ?? 0) > this.#clock.now();
  }
}

function refusePermanent(request: AdmissionRequest): void {
  if (!PERMANENT.has(request.name)) return;
  throw forbidden(NAMESPACES, request.name, 'this namespace may not be deleted');
}

/** Throws unless the namespace is there and may get new objects. */
function requireOpen(request: AdmissionRequest, found: Namespace | undefined): void {
  const { namespace } = request;
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.status?.phase !== 'Terminating' && !found.metadata.deletionTimestamp) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { status } = admissionForbidden(request, why);
  const message = `namespace ${namespace} is being terminated`;
  const cause = { reason: 'NamespaceTerminating', message, field: 'metadata.namespace' };
  throw new ApiError({ ...status, details: { ...status.details, causes: [cause] } });
}

/** Upstream's: far longer than any informer is behind. */
const RECENT_MS = 30_000;
const RECENT_MAX = 100;
