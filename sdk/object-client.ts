import type { Kind, KubeObject, ObjectKey } from './kind.ts';
import type { KernelLink } from './link.ts';
import {
  createRequest,
  deleteRequest,
  patchRequest,
  targetOf,
  updateRequest,
} from './object-requests.ts';
import type {
  BatchResult,
  DeleteOptions,
  ListOptions,
  ObjectClient,
  ObjectList,
  ObjectWatchSink,
  PatchOptions,
  WriteOptions,
} from './objects.ts';
import type { Fence, ObjectRequest, WatchRequest } from './request.ts';

/**
 * The `ObjectClient` of a plugin: every call becomes an `ObjectRequest`, and those of one tick
 * travel in one message, so that a controller that makes fifty calls side by side pays for one.
 * The answer to a `list` request is the API's List object (`metadata`, `items`).
 */
export function createObjectClient(link: KernelLink): ObjectClient {
  return clientOn(new Gather(link), link, request => request);
}

export interface FencedClients {
  readonly plain: ObjectClient;
  /** Each write carries what `fence` gives then, or fails with what it throws. */
  readonly fenced: ObjectClient;
}

/** Two clients whose requests travel together. */
export function createFencedClients(link: KernelLink, fence: () => Fence): FencedClients {
  const gather = new Gather(link);
  const prepare = (request: ObjectRequest) =>
    isRead(request) ? request : { ...request, fence: fence() };
  return {
    plain: clientOn(gather, link, request => request),
    fenced: clientOn(gather, link, prepare),
  };
}

function isRead({ verb }: ObjectRequest): boolean {
  return verb === 'get' || verb === 'list';
}

function clientOn(
  gather: Gather,
  link: KernelLink,
  prepare: (request: ObjectRequest) => ObjectRequest,
): ObjectClient {
  const send = async <T>(request: ObjectRequest) => (await gather.send(prepare(request))) as T;

  return {
    request: send,
    get: <T extends KubeObject>(kind: Kind<T>, key: ObjectKey) =>
      send<T>({ ...targetOf('get', kind), ...key }),

    async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}) {
      const { namespace, ...rest } = options;
      const request = { ...targetOf('list', kind), ...(namespace && { namespace }), options: rest };
      return toObjectList<T>(await send(request));
    },
    create: <T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions) =>
      send<T>(createRequest(kind, object, options)),
    update: <T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions) =>
      send<T>(updateRequest(kind, object, options)),
    updateStatus: <T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions) =>
      send<T>(updateRequest(kind, object, { ...options, subresource: 'status' })),
    patch: <T extends KubeObject>(
      kind: Kind<T>,
      key: ObjectKey,
      patch: unknown,
      options?: PatchOptions,
    ) => send<T>(patchRequest(kind, key, patch, options)),
    async delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions) {
      await send(deleteRequest(kind, key, options));
    },
    batch: async requests => gather.sendAll(requests.map(prepare)),
    watch: <T extends KubeObject>(request: WatchRequest, sink: ObjectWatchSink<T>) =>
      // The link hands on what the kernel sends of the kind that was asked for.
      link.watch(request, sink as unknown as ObjectWatchSink<KubeObject>),
  };
}

/** What a `list` request answers. */
interface ListAnswer<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

function toObjectList<T>({ metadata, items }: ListAnswer<T>): ObjectList<T> {
  return {
    items,
    resourceVersion: metadata.resourceVersion,
    ...(metadata.continue && { continue: metadata.continue }),
    ...(metadata.remainingItemCount !== undefined && {
      remainingItemCount: metadata.remainingItemCount,
    }),
  };
}

interface Pending {
  readonly request: ObjectRequest;
  readonly settle: (result: BatchResult) => void;
  readonly cut: (error: unknown) => void;
}

/** Holds requests until the tick's end, then sends them together, in order. */
class Gather {
  readonly #link: KernelLink;
  #pending: Pending[] = [];

  constructor(link: KernelLink) {
    this.#link = link;
  }

  async send(request: ObjectRequest): Promise<unknown> {
    const result = await this.#enqueue(request);
    if (!result.ok) throw result.error;
    return result.object;
  }

  sendAll(requests: readonly ObjectRequest[]): Promise<BatchResult[]> {
    return Promise.all(requests.map(request => this.#enqueue(request)));
  }

  #enqueue(request: ObjectRequest): Promise<BatchResult> {
    return new Promise((settle, cut) => {
      if (this.#pending.length === 0) queueMicrotask(() => this.#flush());
      this.#pending.push({ request, settle, cut });
    });
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (let start = 0; start < pending.length; start += BATCH_REQUESTS_MAX) {
      void this.#send(pending.slice(start, start + BATCH_REQUESTS_MAX));
    }
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    try {
      const results = await this.#link.request(batch.map(({ request }) => request));
      for (const [i, { settle, cut }] of batch.entries()) {
        const result = results[i];
        if (result) settle(result);
        else cut(new Error(`Cannot read answer ${i}: the link gave ${results.length} answers`));
      }
    } catch (error) {
      for (const { cut } of batch) cut(error);
    }
  }
}

/** More in one message would only delay the first answer, and others' requests behind it. */
const BATCH_REQUESTS_MAX = 500;
