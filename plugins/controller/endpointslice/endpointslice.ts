import {
  type BatchResult,
  CATCH_UP_MS,
  type Clock,
  createRequest,
  deleteRequest,
  EndpointSlice,
  Expectations,
  earliestReadyChange,
  formatKey,
  isNamespaceTerminating,
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
import { identity } from './distribute.ts';
import { endpointsOf, type List } from './endpoint.ts';
import { MANAGED_BY, MANAGER } from './labels.ts';
import { type Plan, planSlices } from './plan.ts';
import type { Topology } from './topology.ts';

type Context = ReconcileContext<Service, unknown>;

export interface SliceReconcilerOptions {
  readonly clock: Clock;
  readonly topology: Topology;
  /** Of one slice. */
  readonly endpointsMax: number;
}

/** Brings the slices of one Service up to date. They go with it: it is their owner. */
export class SliceReconciler {
  readonly #options: SliceReconcilerOptions;
  /** The names are generated, so only this keeps an old copy from making slices twice. */
  readonly #expectations: Expectations<EndpointSlice>;

  constructor(options: SliceReconcilerOptions) {
    this.#options = options;
    this.#expectations = new Expectations(options.clock);
  }

  async reconcile(key: ObjectKey, context: Context): Promise<ReconcileResult> {
    const { object: service, informer } = context;
    const { topology, endpointsMax } = this.#options;
    const owner = formatKey(key);
    if (!service) {
      this.#expectations.forget(owner);
      topology.forget(owner);
      return undefined;
    }
    if (!isSelecting(service)) return undefined;
    if (!this.#expectations.satisfied(owner, informer(EndpointSlice))) {
      return { requeueAfter: CATCH_UP_MS };
    }
    const pods = podsOfService(service, informer(Pod));
    const { lists, problems } = endpointsOf(service, pods, name => informer(Node).get(name));
    const slices = slicesOf(owner, context);
    const { hint, notices } = topology.hintsOf(owner, service, slices);
    const triggerTime = triggerTimeOf(service, pods, { slices, lists });
    const plan = planSlices(
      service,
      { slices, lists },
      { endpointsMax, triggerTime, ...(hint && { hint }) },
    );
    const failures = await this.#apply(service, plan, context);
    for (const { type, reason, message } of notices) {
      context.events.event(service, type, reason, message);
    }
    report(service, [...problems.map(text => ({ text })), ...failures], context);
    return undefined;
  }

  async #apply(
    service: Service,
    { creates, updates, deletes }: Plan,
    { objects }: Context,
  ): Promise<Failure[]> {
    const owner = formatKey(service.metadata as ObjectKey);
    // What is made while the garbage collector clears up after the Service would be left.
    const made = service.metadata.deletionTimestamp ? [] : creates;
    const writes = [
      ...made.map(slice => ({
        slice,
        what: 'create',
        request: createRequest(EndpointSlice, slice),
      })),
      ...updates.map(slice => ({
        slice,
        what: `update ${slice.metadata.name}`,
        request: updateRequest(EndpointSlice, slice),
      })),
      ...deletes.map(slice => ({
        slice,
        what: `delete ${slice.metadata.name}`,
        request: deleteSlice(slice),
      })),
    ];
    const results = await objects.batch(writes.map(({ request }) => request));
    const failures: Failure[] = [];
    for (const [i, { slice, what, request }] of writes.entries()) {
      const result = results[i];
      if (result?.ok && request.verb === 'delete') this.#expectations.deleted(owner, slice);
      else if (result?.ok) this.#expectations.wrote(owner, result.object as EndpointSlice);
      else if (result && isFailure(result)) {
        const { namespace, name } = service.metadata;
        const text = `failed to ${what} EndpointSlice for Service ${namespace}/${name}`;
        failures.push({ text: `${text}: ${result.error.message}`, error: result.error });
      }
    }
    return failures;
  }
}

interface Failure {
  /** As upstream tells it. */
  readonly text: string;
  /** Absent: nothing was refused. */
  readonly error?: Error;
}

/** Makes the Service come again. */
function report(service: Service, failures: readonly Failure[], { events }: Context): void {
  if (failures.length === 0) return;
  const { namespace, name } = service.metadata;
  const texts = failures.map(({ text }) => text);
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${text}`;
  events.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
  throw failures.find(({ error }) => error)?.error ?? new Error(text);
}

/** Those that the Service owns, and those that say that they are its own. */
function slicesOf(key: string, { owned, informer }: Context): EndpointSlice[] {
  const all = new Set([
    ...owned(EndpointSlice),
    ...informer(EndpointSlice).byIndex('service', key),
  ]);
  return [...all].filter(({ metadata: { labels, deletionTimestamp } }) => {
    return labels?.[MANAGED_BY] === MANAGER && !deletionTimestamp;
  });
}

interface Change {
  readonly slices: readonly EndpointSlice[];
  readonly lists: readonly List[];
}

/** When the first of the changes happened that no slice shows yet; undefined: that is not known. */
function triggerTimeOf(
  { metadata }: Service,
  pods: readonly Pod[],
  { slices, lists }: Change,
): string | undefined {
  if (slices.length === 0) return metadata.creationTimestamp;
  const shown = new Map(
    slices.flatMap(({ endpoints = [] }) =>
      endpoints.map(each => [identity(each), each.conditions?.serving]),
    ),
  );
  const changed = new Set(
    lists
      .flatMap(({ endpoints }) => endpoints)
      .filter(each => shown.get(identity(each)) !== each.conditions?.serving)
      .map(({ targetRef }) => targetRef?.uid),
  );
  return earliestReadyChange(pods.filter(pod => changed.has(pod.metadata.uid)));
}

function deleteSlice({ metadata: { namespace = '', name = '', uid = '' } }: EndpointSlice) {
  return deleteRequest(EndpointSlice, { namespace, name }, { preconditions: { uid } });
}

/** In a namespace that is going nothing can be made, and nothing need be. */
function isFailure(result: BatchResult): result is Extract<BatchResult, { ok: false }> {
  return !result.ok && result.error.reason !== 'NotFound' && !isNamespaceTerminating(result.error);
}
