import { isDeepStrictEqual } from 'node:util';
import {
  canonicalJson,
  formatKey,
  type LoadBalancer,
  type LoadBalancerIngress,
  type Node,
  type ObjectKey,
  type ReconcileContext,
  Service,
} from 'kernetes/sdk';

export type Context = ReconcileContext<Service, unknown>;

export const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

export interface BalancingOptions {
  readonly context: Context;
  readonly balancers: readonly LoadBalancer[];
  readonly nodes: readonly Node[];
}

/** Keeps the balancers of Services. Remembers what it last asked for, to ask only for changes. */
export class Balancing {
  readonly #asked = new Map<string, Asked>();

  async reconcile(key: ObjectKey, options: BalancingOptions): Promise<void> {
    const { object: service } = options.context;
    const id = formatKey(key);
    if (!service || !isWanted(service)) this.#asked.delete(id);
    if (!service) return;
    const balancers = balancersOf(service, options.balancers);
    const [balancer] = balancers;
    if (!balancer) return;
    if (isWanted(service)) await this.#ensure(service, balancer, { id, ...options });
    else if (isHeld(service)) await release(service, balancers, options.context);
  }

  async #ensure(
    service: Service,
    balancer: LoadBalancer,
    { id, context, nodes }: BalancingOptions & { readonly id: string },
  ): Promise<void> {
    const { events } = context;
    const spec = canonicalJson([service.metadata.uid, service.spec, service.metadata.annotations]);
    const hosts = nodes.map(({ metadata }) => metadata.name).sort();
    const asked = this.#asked.get(id);
    const isKnown = asked?.balancer === balancer && asked.spec === spec;
    if (isKnown && isDeepStrictEqual(asked.hosts, hosts) && isHeld(service)) {
      await tellStatus(service, asked.ingress, context);
      return;
    }
    const failed = (error: unknown) => tellFailure(service, 'ensure', error, context);
    if (isKnown && balancer.update && isHeld(service)) {
      await balancer.update(service, nodes).catch(error => {
        tellUpdateFailed(service, hosts, error, context);
        throw error;
      });
      this.#asked.set(id, { ...asked, hosts });
      events.event(
        service,
        'Normal',
        'UpdatedLoadBalancer',
        'Updated load balancer with new hosts',
      );
      return;
    }
    if (!isKnown) events.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    if (nodes.length === 0) {
      const message = 'There are no available nodes for LoadBalancer';
      events.event(service, 'Warning', 'UnAvailableLoadBalancer', message);
    }
    await hold(service, context);
    const ingress = await balancer.ensure(service, nodes).catch(failed);
    await tellStatus(service, ingress, context);
    this.#asked.set(id, { balancer, spec, hosts, ingress });
    if (!isKnown) events.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }
}

interface Asked {
  readonly balancer: LoadBalancer;
  /** What of the Service a balancer can depend on, as text. */
  readonly spec: string;
  readonly hosts: readonly (string | undefined)[];
  readonly ingress: readonly LoadBalancerIngress[];
}

/**
 * The one of its class; none: somebody else serves it. A Service that has become one of another type
 * has no class any more: then it can have been any, and all are asked to let go.
 */
function balancersOf(
  { spec }: Service,
  balancers: readonly LoadBalancer[],
): readonly LoadBalancer[] {
  if (spec?.type !== 'LoadBalancer') return balancers;
  return balancers.filter(each => each.class === (spec.loadBalancerClass ?? ''));
}

function isWanted({ spec, metadata }: Service): boolean {
  return spec?.type === 'LoadBalancer' && !metadata.deletionTimestamp;
}

function isHeld({ metadata }: Service): boolean {
  return metadata.finalizers?.includes(FINALIZER) ?? false;
}

async function release(
  service: Service,
  balancers: readonly LoadBalancer[],
  context: Context,
): Promise<void> {
  const { events } = context;
  events.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
  for (const balancer of balancers) {
    await balancer.release(service).catch(error => tellFailure(service, 'delete', error, context));
  }
  const told = service.metadata.deletionTimestamp
    ? service
    : await tellStatus(service, [], context);
  const finalizers = (told.metadata.finalizers ?? []).filter(name => name !== FINALIZER);
  await setFinalizers(told, finalizers, context);
  events.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
}

async function hold(service: Service, context: Context): Promise<void> {
  if (isHeld(service)) return;
  await setFinalizers(service, [...(service.metadata.finalizers ?? []), FINALIZER], context);
}

/** Only if nobody else changed them meanwhile. */
async function setFinalizers(
  { metadata: { namespace = '', name = '', resourceVersion } }: Service,
  finalizers: readonly string[],
  { objects }: Context,
): Promise<void> {
  const patch = { metadata: { resourceVersion, finalizers } };
  await objects.patch(Service, { namespace, name }, patch);
}

/** The Service as it then is. */
async function tellStatus(
  service: Service,
  ingress: readonly LoadBalancerIngress[],
  { objects }: Context,
): Promise<Service> {
  const told = service.status?.loadBalancer?.ingress;
  if (isDeepStrictEqual(withMode(told), withMode(ingress))) return service;
  const { namespace = '', name = '' } = service.metadata;
  const patch = { status: { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } } };
  return objects.patch(Service, { namespace, name }, patch, { subresource: 'status' });
}

/** The server fills in that an address is a virtual one. */
function withMode(ingress: readonly LoadBalancerIngress[] = []): LoadBalancerIngress[] {
  return ingress.map(each => ({ ...(each.ip && { ipMode: 'VIP' }), ...each }));
}

function tellFailure(
  service: Service,
  what: 'ensure' | 'delete',
  error: unknown,
  { events }: Context,
): never {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Error syncing load balancer: failed to ${what} load balancer: ${reason}`;
  events.event(service, 'Warning', 'SyncLoadBalancerFailed', message);
  throw error;
}

function tellUpdateFailed(
  service: Service,
  hosts: readonly (string | undefined)[],
  error: unknown,
  { events }: Context,
): void {
  const reason = error instanceof Error ? error.message : String(error);
  const message =
    `Error updating load balancer with new hosts [${hosts.slice(0, HOSTS_TOLD_MAX).join(' ')}] ` +
    `[node names limited, total number of nodes in the service: ${hosts.length}]: ${reason}`;
  events.event(service, 'Warning', 'UpdateLoadBalancerFailed', message);
}

/** Upstream's. */
const HOSTS_TOLD_MAX = 20;
