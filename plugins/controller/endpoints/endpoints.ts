import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  Endpoints,
  formatKey,
  isHeadless,
  isSelecting,
  type ObjectKey,
  Pod,
  podsOfService,
  type ReconcileContext,
  type Service,
} from 'kernetes/sdk';
import { isTruncated, subsetsOf, truncate } from './subsets.ts';

type Context = ReconcileContext<Service, unknown>;

/** Brings the Endpoints of one Service up to date. */
export async function reconcile(key: ObjectKey, context: Context): Promise<undefined> {
  const { object: service, informer, objects } = context;
  const current = informer(Endpoints).get(formatKey(key));
  if (!service) return removeOwn(key, current, context);
  if (!isSelecting(service)) return undefined;
  const pods = podsOfService(service, informer(Pod));
  const wanted = endpointsOf(service, pods, current);
  if (!current) return create(service, wanted, context);
  if (!isSame(current, wanted)) await objects.update(Endpoints, wanted);
  return undefined;
}

async function create(service: Service, wanted: Endpoints, context: Context): Promise<undefined> {
  const { objects, events } = context;
  try {
    await objects.create(Endpoints, wanted);
  } catch (error) {
    if (ApiError.is(error)) {
      const { namespace, name } = service.metadata;
      const message = `Failed to create endpoint for service ${namespace}/${name}: ${error.message}`;
      events.event(service, 'Warning', 'FailedToCreateEndpoint', message);
    }
    throw error;
  }
  return undefined;
}

/** Those that somebody wrote for no Service are his. */
async function removeOwn(
  key: ObjectKey,
  current: Endpoints | undefined,
  { objects }: Context,
): Promise<undefined> {
  if (current?.metadata.labels?.[MANAGED_BY] !== CONTROLLER) return undefined;
  const { uid = '' } = current.metadata;
  try {
    await objects.delete(Endpoints, key, { preconditions: { uid } });
  } catch (error) {
    if (!ApiError.is(error, 'NotFound')) throw error;
  }
  return undefined;
}

function endpointsOf(
  service: Service,
  pods: readonly Pod[],
  current: Endpoints | undefined,
): Endpoints {
  const all = subsetsOf(service, pods);
  const subsets = truncate(all);
  const { namespace = '', name = '', labels } = service.metadata;
  const { [OVER_CAPACITY]: _, ...annotations } = current?.metadata.annotations ?? {};
  if (isTruncated(all)) annotations[OVER_CAPACITY] = 'truncated';
  return {
    ...current,
    metadata: {
      ...current?.metadata,
      namespace,
      name,
      labels: {
        ...labels,
        ...(isHeadless(service) && { [HEADLESS]: '' }),
        [MANAGED_BY]: CONTROLLER,
      },
      annotations,
    },
    subsets,
  };
}

function isSame(a: Endpoints, b: Endpoints): boolean {
  return (
    isDeepStrictEqual(a.subsets ?? [], b.subsets ?? []) &&
    isDeepStrictEqual(a.metadata.labels ?? {}, b.metadata.labels ?? {}) &&
    isDeepStrictEqual(a.metadata.annotations ?? {}, b.metadata.annotations ?? {})
  );
}

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const CONTROLLER = 'endpoint-controller';
const HEADLESS = 'service.kubernetes.io/headless';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
