import type { ServiceReference } from '../api/types-admissionregistration-v1.ts';
import { Service } from '../api/types-core-v1.ts';
import type { HostPort } from '../forward/failure.ts';
import type { Informer } from '../informer.ts';
import type { PluginContext } from '../plugin.ts';
import { ServiceEndpoints } from '../service-endpoints.ts';

/** Finds who answers for a service; rejects when nobody does. */
export type FindService = (service: ServiceReference) => Promise<HostPort>;

/**
 * Finds services by their ready endpoints, any of them. The copies of services and their endpoints
 * are kept from the first question on. The endpoints are called directly, without the service's
 * address, so no proxy is needed; that pods are reachable from here is up to the cluster's runtime.
 */
export function serviceFinder(ctx: Pick<PluginContext, 'informer' | 'random'>): FindService {
  const endpoints = new ServiceEndpoints(ctx);
  let services: Informer<Service> | undefined;
  return async ({ namespace, name, port: wanted = 443 }) => {
    services ??= ctx.informer(Service);
    await services.synced;
    const service = services.get(`${namespace}/${name}`);
    if (service === undefined) throw new Error(`service ${JSON.stringify(name)} not found`);
    const { type, externalName = '' } = service.spec ?? {};
    if (type === 'ExternalName') return { host: externalName, port: wanted };
    const port = service.spec?.ports?.find(each => each.port === wanted);
    if (port === undefined) {
      throw new Error(`no service port ${wanted} found for service ${JSON.stringify(name)}`);
    }
    const ready = await endpoints.ready(namespace, name, port.name ?? '');
    const chosen = ready[ctx.random.integer(Math.max(1, ready.length))];
    if (chosen) return { host: chosen.ip, port: chosen.port };
    throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  };
}
