import {
  type APIService,
  BackendError,
  formatHostPort,
  type ObjectClient,
  type RemoteResource,
  Service,
  type ServiceEndpoints,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import { AGGREGATOR, ask, type BackendOptions, type Endpoint, targetOf } from './backend.ts';
import { remoteResources } from './remote-resources.ts';

export interface AvailabilityOptions extends BackendOptions {
  readonly objects: Pick<ObjectClient, 'get'>;
  readonly endpoints: Pick<ServiceEndpoints, 'ready' | 'has'>;
}

/** What is to be said of an APIService, in upstream's words. */
export interface Verdict {
  readonly isAvailable: boolean;
  readonly reason: string;
  readonly message: string;
  /** What it serves; undefined: it did not say. */
  readonly resources?: readonly RemoteResource[];
}

/** Looks for the service behind an APIService, and asks it. Rejects when our own store fails. */
export async function checkAvailability(
  service: APIService,
  options: AvailabilityOptions,
): Promise<Verdict> {
  const found = await findEndpoints(service, options);
  if ('reason' in found) return found;
  // Any that answers will do; upstream asks five times too.
  const errors: string[] = [];
  for (const endpoint of found.endpoints.slice(0, ATTEMPTS_MAX)) {
    const answer = await discover(service, endpoint, options);
    if (typeof answer !== 'string') {
      const passed = { isAvailable: true, reason: 'Passed', message: 'all checks passed' };
      return { ...passed, resources: answer };
    }
    errors.push(answer);
  }
  return unavailable('FailedDiscoveryCheck', errors.at(-1) ?? '');
}

type Found = { readonly endpoints: readonly Endpoint[] } | Verdict;

/** Of the port that the APIService names by its number. */
export async function findEndpoints({ spec }: APIService, options: AvailabilityOptions) {
  const { namespace = '', name = '', port = 443 } = spec?.service ?? {};
  const what = `service/${name} in ${JSON.stringify(namespace)}`;
  const service = await options.objects
    .get(Service, { namespace, name })
    .catch(undefinedIfNotFound);
  if (service === undefined) return unavailable('ServiceNotFound', `${what} is not present`);
  const { type, externalName = '', ports = [] } = service.spec ?? {};
  if (type === 'ExternalName') return { endpoints: [{ ip: externalName, port }] };
  const own = ports.find(each => each.port === port);
  if (own === undefined) {
    return unavailable('ServicePortError', `${what} is not listening on port ${port}`);
  }
  const endpoints = await options.endpoints.ready(namespace, name, own.name ?? '');
  if (endpoints.length > 0) return { endpoints } satisfies Found;
  if (!(await options.endpoints.has(namespace, name))) {
    return unavailable('EndpointsNotFound', `cannot find endpoints for ${what}`);
  }
  const message = `endpoints for ${what} have no addresses with port name ${JSON.stringify(own.name ?? '')}`;
  return unavailable('MissingEndpoints', message);
}

/** What it serves, or why that cannot be known. */
async function discover(
  service: APIService,
  endpoint: Endpoint,
  options: AvailabilityOptions,
): Promise<readonly RemoteResource[] | string> {
  const { group = '', version = '' } = service.spec ?? {};
  const path = `/apis/${group}/${version}`;
  const target = { ...(await targetOf(service, endpoint, options)), path };
  const url = `https://${formatHostPort({ host: endpoint.ip, port: endpoint.port })}${path}`;
  const failing = `failing or missing response from ${url}`;
  try {
    const { status, body } = await ask(target, AGGREGATOR, options);
    if (status < 200 || status >= 300) return `${failing}: bad status from ${url}: ${status}`;
    return remoteResources(JSON.parse(body.toString()), { group, version });
  } catch (error) {
    if (error instanceof BackendError || error instanceof SyntaxError) {
      return `${failing}: ${error.message}`;
    }
    throw error;
  }
}

function unavailable(reason: string, message: string): Verdict {
  return { isAvailable: false, reason, message };
}

const ATTEMPTS_MAX = 5;
