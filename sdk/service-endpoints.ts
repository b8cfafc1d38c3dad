import type { Endpoint } from './api/types-discovery-v1.ts';
import { EndpointSlice } from './api/types-discovery-v1.ts';
import type { Informer } from './informer.ts';
import type { PluginContext } from './plugin.ts';

/** Where one endpoint of a service listens, for one of the service's ports. */
export interface ReadyEndpoint {
  readonly ip: string;
  readonly port: number;
  readonly endpoint: Endpoint;
}

/**
 * The endpoints of services, found by one index. The copy is kept from the first question on: who
 * never asks pays nothing.
 */
export class ServiceEndpoints {
  readonly #ctx: Pick<PluginContext, 'informer'>;
  #slices: Informer<EndpointSlice> | undefined;

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    this.#ctx = ctx;
  }

  /** All that are ready for the port of that name (empty for one without a name). */
  async ready(namespace: string, service: string, portName: string): Promise<ReadyEndpoint[]> {
    const slices = await this.#of(namespace, service);
    return slices.flatMap(({ endpoints, ports }) => {
      const port = ports?.find(({ name = '' }) => name === portName)?.port;
      if (port === undefined) return [];
      return (endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready !== false)
        .flatMap(endpoint => endpoint.addresses.slice(0, 1).map(ip => ({ ip, port, endpoint })));
    });
  }

  /** Whether any slice belongs to the service. */
  async has(namespace: string, service: string): Promise<boolean> {
    return (await this.#of(namespace, service)).length > 0;
  }

  /** Tells of a service whose endpoints changed, as `namespace/name`. */
  onChange(callback: (service: string) => void): void {
    const tell = (slice: EndpointSlice) => serviceOf(slice).forEach(callback);
    this.#informer().on({ added: tell, updated: tell, deleted: tell });
  }

  async #of(namespace: string, service: string): Promise<EndpointSlice[]> {
    const slices = this.#informer();
    await slices.synced;
    return slices.byIndex('service', `${namespace}/${service}`);
  }

  #informer(): Informer<EndpointSlice> {
    this.#slices ??= this.#ctx.informer(EndpointSlice, { indexes: { service: serviceOf } });
    return this.#slices;
  }
}

function serviceOf({ metadata: { namespace, labels } }: EndpointSlice): readonly string[] {
  const name = labels?.['kubernetes.io/service-name'];
  return name ? [`${namespace}/${name}`] : [];
}
