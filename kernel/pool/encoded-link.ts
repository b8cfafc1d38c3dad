import type { Disposer, ExtensionPoint } from '../../sdk/extension.ts';
import type { KernelLink } from '../../sdk/link.ts';
import type { ObjectRequest, WatchEventType, WatchRequest } from '../../sdk/request.ts';
import type { ApiError } from '../../sdk/status.ts';
import type { Offer } from '../extensions.ts';

/**
 * A link whose objects are JSON already: what the kernel keeps for HTTP watchers goes to plugins
 * in other threads as it is, and is parsed there, and there only if somebody looks.
 */
export interface EncodedLink extends KernelLink {
  subscribe<T>(
    point: ExtensionPoint<T>,
    onChange: (contributions: readonly Offer<T>[]) => void,
  ): Disposer;
  /** As `request`. */
  requestEncoded(requests: readonly ObjectRequest[]): Promise<readonly EncodedResult[]>;
  /** As `watch`. */
  watchEncoded(request: WatchRequest, sink: EncodedWatchSink): () => void;
}

/** One JSON text in pieces, shared: not to be changed or given away. */
export type EncodedJson = readonly Uint8Array[];

export type EncodedResult =
  | { readonly ok: true; readonly json: EncodedJson }
  | { readonly ok: false; readonly error: ApiError };

export interface EncodedEvent {
  readonly type: WatchEventType;
  /** The object's JSON. */
  readonly json: EncodedJson;
}

export interface EncodedWatchSink {
  onEvents(events: readonly EncodedEvent[]): void;
  onEnd(error: Error): void;
}

/** Encodes a link that only knows objects, each time anew. */
export function encodeLink(link: KernelLink): EncodedLink {
  return {
    request: requests => link.request(requests),
    watch: (request, sink) => link.watch(request, sink),
    provide: (point, name, value) => link.provide(point, name, value),
    subscribe: (point, onChange) => {
      const { methods } = point;
      return link.subscribe(point, list => onChange(list.map(each => ({ ...each, methods }))));
    },
    log: (level, message, fields) => link.log(level, message, fields),
    metric: record => link.metric(record),
    async requestEncoded(requests) {
      const results = await link.request(requests);
      return results.map(result =>
        result.ok ? { ok: true, json: [toJson(result.object)] } : result,
      );
    },
    watchEncoded: (request, sink) =>
      link.watch(request, {
        onEvents: events =>
          sink.onEvents(events.map(({ type, object }) => ({ type, json: [toJson(object)] }))),
        onEnd: error => sink.onEnd(error),
      }),
  };
}

function toJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value ?? null));
}

const encoder = new TextEncoder();
