import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  type EndpointAddress,
  Endpoints,
  earliestReadyChange,
  formatKey,
  isHeadless,
  isNamespaceTerminating,
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
  const { object: service, informer } = context;
  const current = informer(Endpoints).get(formatKey(key));
  if (!service) return removeOwn(key, current, context);
  if (!isSelecting(service)) return undefined;
  const pods = podsOfService(service, informer(Pod));
  const wanted = endpointsOf(service, pods, current);
  if (current && isSame(current, wanted)) return undefined;
  await write(service, withTriggerTime(wanted, triggerTimeOf(service, pods, { current, wanted })), {
    context,
    isNew: current === undefined,
  });
  return undefined;
}

interface WriteOptions {
  readonly context: Context;
  readonly isNew: boolean;
}

async function write(
  service: Service,
  wanted: Endpoints,
  { context: { objects, events }, isNew }: WriteOptions,
): Promise<void> {
  try {
    if (isNew) await objects.create(Endpoints, wanted);
    else await objects.update(Endpoints, wanted);
  } catch (error) {
    // Nothing can be made there any more, and nothing need be.
    if (isNew && ApiError.is(error) && isNamespaceTerminating(error)) return;
    const { namespace, name } = service.metadata;
    const [reason, what] = isNew
      ? ['FailedToCreateEndpoint', `create endpoint for service ${namespace}/${name}`]
      : ['FailedToUpdateEndpoint', `update endpoint ${namespace}/${name}`];
    const why = error instanceof Error ? error.message : String(error);
    events.event(typed(wanted), 'Warning', reason, `Failed to ${what}: ${why}`);
    throw error;
  }
}

/** As an event refers to it. */
function typed(endpoints: Endpoints): Endpoints {
  return { ...endpoints, apiVersion: 'v1', kind: 'Endpoints' };
}

interface Change {
  readonly current: Endpoints | undefined;
  readonly wanted: Endpoints;
}

/** When the first of the changes happened that is not shown yet; undefined: that is not known. */
function triggerTimeOf(
  { metadata }: Service,
  pods: readonly Pod[],
  { current, wanted }: Change,
): string | undefined {
  if (current === undefined) return metadata.creationTimestamp;
  const shown = readiness(current);
  const now = readiness(wanted);
  return earliestReadyChange(
    pods.filter(({ metadata: { uid = '' } }) => now.has(uid) && now.get(uid) !== shown.get(uid)),
  );
}

/** Which pods are there, by uid, and whether among the ready ones. */
function readiness({ subsets = [] }: Endpoints): ReadonlyMap<string, boolean> {
  const uids = (addresses: readonly EndpointAddress[] = []) =>
    addresses.map(({ targetRef }) => targetRef?.uid ?? '');
  return new Map(
    subsets.flatMap(({ addresses, notReadyAddresses }) => [
      ...uids(notReadyAddresses).map(uid => [uid, false] as const),
      ...uids(addresses).map(uid => [uid, true] as const),
    ]),
  );
}

function withTriggerTime(endpoints: Endpoints, time: string | undefined): Endpoints {
  const { [TRIGGER_TIME]: _, ...others } = endpoints.metadata.annotations ?? {};
  const annotations = { ...others, ...(time && { [TRIGGER_TIME]: time }) };
  return { ...endpoints, metadata: { ...endpoints.metadata, annotations } };
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
  const { namespace = '', name = '', labels = {} } = service.metadata;
  const { [HEADLESS]: _headless, ...own } = labels;
  const { [OVER_CAPACITY]: _, ...annotations } = current?.metadata.annotations ?? {};
  if (isTruncated(all)) annotations[OVER_CAPACITY] = 'truncated';
  return {
    ...current,
    metadata: {
      ...current?.metadata,
      namespace,
      name,
      labels: {
        ...own,
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
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
