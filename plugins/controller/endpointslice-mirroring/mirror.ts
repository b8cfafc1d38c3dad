import { isDeepStrictEqual } from 'node:util';
import {
  CATCH_UP_MS,
  type Clock,
  canonicalJson,
  createRequest,
  deleteRequest,
  EndpointSlice,
  type Endpoints,
  Expectations,
  formatKey,
  isNamespaceTerminating,
  isSelecting,
  type ObjectKey,
  type ReconcileContext,
  type ReconcileResult,
  Service,
  updateRequest,
} from 'kernetes/sdk';
import { MANAGED_BY, MANAGER, SUBSET_ADDRESSES_MAX, skippedIn, slicesOf } from './slices.ts';

type Context = ReconcileContext<Endpoints, unknown>;

/** Keeps the slices of Endpoints as these say. They go with them: they are owned. */
export class Mirror {
  /** The names are generated, so only this keeps an old copy from making slices twice. */
  readonly #expectations: Expectations<EndpointSlice>;

  constructor(clock: Clock) {
    this.#expectations = new Expectations(clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const owner = formatKey(key);
    const { object: endpoints, informer } = context;
    if (!endpoints) {
      this.#expectations.forget(owner);
      return undefined;
    }
    if (endpoints.metadata.deletionTimestamp) return undefined;
    if (!this.#expectations.satisfied(owner, informer(EndpointSlice))) {
      return { requeueAfter: CATCH_UP_MS };
    }
    const wanted = isMirrored(endpoints, informer(Service).get(owner)) ? slicesOf(endpoints) : [];
    await this.#apply(owner, wanted, context);
    tellSkipped(endpoints, wanted, context);
    return undefined;
  }

  async #apply(owner: string, wanted: readonly EndpointSlice[], context: Context): Promise<void> {
    const left = context
      .owned(EndpointSlice)
      .filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === MANAGER);
    const requests = wanted.flatMap(slice => {
      const index = left.findIndex(found => isSamePlace(found, slice));
      const [found] = index < 0 ? [] : left.splice(index, 1);
      if (!found) return [createRequest(EndpointSlice, slice)];
      const { labels, annotations, ownerReferences } = slice.metadata;
      const { annotations: _, ...metadata } = found.metadata;
      const updated = {
        ...found,
        ...slice,
        metadata: { ...metadata, labels, ownerReferences, ...(annotations && { annotations }) },
      } as EndpointSlice;
      return isDeepStrictEqual(updated, found) ? [] : [updateRequest(EndpointSlice, updated)];
    });
    const results = await context.objects.batch([
      ...requests,
      ...left.map(({ metadata: { namespace = '', name = '', uid = '' } }) =>
        deleteRequest(EndpointSlice, { namespace, name }, { preconditions: { uid } }),
      ),
    ]);
    for (const [i, result] of results.entries()) {
      const deleted = left[i - requests.length];
      if (result.ok && !deleted) this.#expectations.wrote(owner, result.object as EndpointSlice);
      if (result.ok && deleted) this.#expectations.deleted(owner, deleted);
    }
    // Gone is as good, and in a namespace that goes away nothing can be made any more.
    const failure = results.find(
      result =>
        !result.ok && result.error.reason !== 'NotFound' && !isNamespaceTerminating(result.error),
    );
    if (failure && !failure.ok) throw failure.error;
  }
}

/** Nobody else makes slices of them: there is a Service of their name, and it selects no pods. */
function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  const { labels, annotations } = metadata;
  if (labels?.['endpointslice.kubernetes.io/skip-mirror'] === 'true') return false;
  if (annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return false;
  return service !== undefined && !isSelecting(service) && !service.metadata.deletionTimestamp;
}

function isSamePlace(a: EndpointSlice, b: EndpointSlice): boolean {
  return a.addressType === b.addressType && canonicalJson(a.ports) === canonicalJson(b.ports);
}

function tellSkipped(
  endpoints: Endpoints,
  shown: readonly EndpointSlice[],
  { events }: Context,
): void {
  const skipped = shown.length > 0 ? skippedIn(endpoints) : 0;
  if (skipped === 0) return;
  const message =
    `A max of ${SUBSET_ADDRESSES_MAX} addresses can be mirrored to EndpointSlices per Endpoints ` +
    `subset. ${skipped} addresses were skipped`;
  events.event(endpoints, 'Warning', 'TooManyAddressesToMirror', message);
}
