import {
  type BatchResult,
  type Clock,
  createRequest,
  deleteRequest,
  EndpointSlice,
  Expectations,
  formatKey,
  isSelecting,
  Node,
  type ObjectKey,
  Pod,
  podsOfService,
  type ReconcileContext,
  type ReconcileResult,
  type Service,
  updateRequest,
} from 'kernetes/sdk';
import { type Distribution, distribute } from './distribute.ts';
import { endpointsOf, type Lists } from './endpoint.ts';
import { hasLabels, MANAGED_BY, MANAGER, newSlice, withLabels } from './labels.ts';

type Context = ReconcileContext<Service, unknown>;

/** Brings the slices of one Service up to date. They go with it: it is their owner. */
export class SliceReconciler {
  /** The names are generated, so only this keeps an old copy from making slices twice. */
  readonly #expectations: Expectations<EndpointSlice>;

  constructor(clock: Clock) {
    this.#expectations = new Expectations(clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const { object: service, informer } = context;
    const owner = formatKey(key);
    if (!service) {
      this.#expectations.forget(owner);
      return undefined;
    }
    if (service.metadata.deletionTimestamp || !isSelecting(service)) return undefined;
    if (!this.#expectations.satisfied(owner, informer(EndpointSlice))) {
      return { requeueAfter: CATCH_UP_MS };
    }
    const slices = context
      .owned(EndpointSlice)
      .filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === MANAGER);
    const lists = endpointsOf(service, podsOfService(service, informer(Pod)), zoneIn(context));
    await this.#apply(owner, plan(service, slices, lists), context);
    return undefined;
  }

  async #apply(
    owner: string,
    { creates, updates, deletes }: Plan,
    { objects }: Context,
  ): Promise<void> {
    const results = await objects.batch([
      ...creates.map(slice => createRequest(EndpointSlice, slice)),
      ...updates.map(slice => updateRequest(EndpointSlice, slice)),
      ...deletes.map(deleteSlice),
    ]);
    const written = results.slice(0, creates.length + updates.length);
    for (const result of written) {
      if (result.ok) this.#expectations.wrote(owner, result.object as EndpointSlice);
    }
    for (const [i, slice] of deletes.entries()) {
      if (results[written.length + i]?.ok) this.#expectations.deleted(owner, slice);
    }
    const failure = results.find(isFailure);
    if (failure) throw failure.error;
  }
}

interface Plan {
  readonly creates: readonly EndpointSlice[];
  readonly updates: readonly EndpointSlice[];
  readonly deletes: readonly EndpointSlice[];
}

function plan(service: Service, slices: readonly EndpointSlice[], lists: Lists): Plan {
  const plans = [...lists.values()].map(list => {
    const existing = slices.filter(slice => isOf(slice, list));
    return { list, existing, ...distribute(list.endpoints, existing) };
  });
  const known = new Set(plans.flatMap(({ existing }) => existing));
  const creates = plans.flatMap(({ list, chunks }) =>
    chunks.map(endpoints => newSlice(service, { ...list, endpoints: [...endpoints] })),
  );
  const updates = plans.flatMap(each => updatesOf(service, each));
  const surplus = slices.filter(slice => !known.has(slice));
  return { creates, updates, deletes: [...plans.flatMap(each => each.empty), ...surplus] };
}

/** Those whose endpoints or labels are not as they should be. */
function updatesOf(
  service: Service,
  { changed, empty, existing }: Distribution & { readonly existing: readonly EndpointSlice[] },
): EndpointSlice[] {
  return existing
    .filter(slice => !empty.includes(slice))
    .filter(slice => changed.has(slice) || !hasLabels(service, slice))
    .map(slice => ({
      ...withLabels(service, slice),
      endpoints: [...(changed.get(slice) ?? slice.endpoints ?? [])],
    }));
}

function isOf(
  slice: EndpointSlice,
  { addressType, ports }: Pick<EndpointSlice, 'addressType' | 'ports'>,
): boolean {
  const same = JSON.stringify(portsKey(slice.ports)) === JSON.stringify(portsKey(ports));
  return slice.addressType === addressType && same;
}

/** In one order of fields, whoever wrote them. */
function portsKey(ports: EndpointSlice['ports'] = []): unknown[] {
  return ports.map(({ name = '', port, protocol, appProtocol }) => [
    name,
    port,
    protocol,
    appProtocol,
  ]);
}

function zoneIn({ informer }: Context): (nodeName: string) => string | undefined {
  return name => informer(Node).get(name)?.metadata.labels?.['topology.kubernetes.io/zone'];
}

function deleteSlice({ metadata: { namespace = '', name = '', uid = '' } }: EndpointSlice) {
  return deleteRequest(EndpointSlice, { namespace, name }, { preconditions: { uid } });
}

function isFailure(result: BatchResult): result is Extract<BatchResult, { ok: false }> {
  return !result.ok && result.error.reason !== 'NotFound';
}

/** The event that brings the copy up to date comes sooner, unless a watch was interrupted. */
const CATCH_UP_MS = 30_000;
