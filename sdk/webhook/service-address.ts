import type { ServiceReference } from '../api/types-admissionregistration-v1.ts';
import { Service } from '../api/types-core-v1.ts';
import { EndpointSlice } from '../api/types-discovery-v1.ts';
import type { Informer } from '../informer.ts';
import type { PluginContext } from '../plugin.ts';

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Finds who answers for a service; rejects when nobody does. */
export type FindService = (service: ServiceReference) => Promise<Address>;

/**
 * Finds services by their ready endpoints, any of them. The copies of services and their endpoints
 * are kept from the first question on. The endpoints are called directly, without the service's
 * address, so no proxy is needed; that pods are reachable from here is up to the cluster's runtime.
 */
export function serviceFinder(ctx: PluginContext): FindService {
  let copies: { services: Informer<Service>; slices: Informer<EndpointSlice> } | undefined;
  return async ({ namespace, name, port: wanted = 443 }) => {
    copies ??= {
      services: ctx.informer(Service),
      slices: ctx.informer(EndpointSlice, { indexes: { webhookService: byService } }),
    };
    const { services, slices } = copies;
    await Promise.all([services.synced, slices.synced]);
    const service = services.get(`${namespace}/${name}`);
    if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
    const { type, externalName = '' } = service.spec ?? {};
    if (type === 'ExternalName') return { host: externalName, port: wanted };
    const port = service.spec?.ports?.find(each => each.port === wanted);
    if (port === undefined) {
      throw new Error(`no service port ${wanted} found for service ${JSON.stringify(name)}`);
    }
    const found = slices
      .byIndex('webhookService', `${namespace}/${name}`)
      .flatMap(slice => readyAddresses(slice, port.name ?? ''));
    const chosen = found[ctx.random.integer(Math.max(1, found.length))];
    if (chosen) return chosen;
    throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  };
}

function byService({ metadata: { namespace, labels } }: EndpointSlice): readonly string[] {
  const name = labels?.['kubernetes.io/service-name'];
  return name ? [`${namespace}/${name}`] : [];
}

function readyAddresses({ endpoints = [], ports = [] }: EndpointSlice, name: string): Address[] {
  const port = ports.find(each => (each.name ?? '') === name)?.port;
  if (port === undefined) return [];
  return endpoints
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.slice(0, 1).map(host => ({ host, port })));
}
