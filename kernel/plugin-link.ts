import type { DoorAnswer, DoorWatch } from '../sdk/door.ts';
import type { Disposer, ExtensionPoint } from '../sdk/extension.ts';
import { apiVersionOf, type KubeObject } from '../sdk/kind.ts';
import type { MetricRecord } from '../sdk/link.ts';
import type { LogFields, Logger, LogLevel } from '../sdk/logger.ts';
import type { BatchResult, ObjectWatchSink } from '../sdk/objects.ts';
import type { ObjectRequest, User, WatchEvent, WatchRequest } from '../sdk/request.ts';
import { ApiError, expired, internalError } from '../sdk/status.ts';
import { cloneJson } from './clone.ts';
import type { KernelDoor } from './door/door.ts';
import type { EventSink } from './door/watch.ts';
import type { Extensions, Offer } from './extensions.ts';
import { jsonForInformer } from './informer-json.ts';
import { withFields } from './log.ts';
import type { MetricsRegistry } from './metrics.ts';
import { assertComplete, assertMayProvide, type Contributor } from './point-rules.ts';
import type { EncodedLink, EncodedResult, EncodedWatchSink } from './pool/encoded-link.ts';
import type { ChannelEvent } from './watch/channel.ts';

export interface PluginLinkOptions {
  readonly plugin: string;
  /** As whom it asks at the door. */
  readonly user: User;
  /** The plugin is in another thread or process: what it provides is called across. */
  readonly remote: boolean;
  /** The points that its manifest names; absent when it has none. */
  readonly provides?: readonly string[];
  readonly door: KernelDoor;
  readonly extensions: Extensions;
  readonly metrics: MetricsRegistry;
  readonly log: Logger;
}

/**
 * A plugin's line to the kernel, on the kernel's side: direct calls, under the plugin's identity.
 * Plugins in the kernel's thread use it as it is; for others a server stands before it.
 */
export class PluginLink implements EncodedLink {
  readonly plugin: string;
  readonly user: User;
  readonly #contributor: Contributor;
  readonly #door: KernelDoor;
  readonly #extensions: Extensions;
  readonly #metrics: MetricsRegistry;
  readonly #log: Logger;

  constructor(options: PluginLinkOptions) {
    this.plugin = options.plugin;
    const { plugin, remote, provides } = options;
    this.#contributor = { plugin, remote, provides };
    this.user = options.user;
    this.#door = options.door;
    this.#extensions = options.extensions;
    this.#metrics = options.metrics;
    this.#log = withFields(options.log, { plugin: options.plugin });
  }

  request(requests: readonly ObjectRequest[]): Promise<BatchResult[]> {
    return Promise.all(requests.map(request => this.#one(request)));
  }

  requestEncoded(requests: readonly ObjectRequest[]): Promise<EncodedResult[]> {
    return Promise.all(requests.map(request => this.#oneEncoded(request)));
  }

  watch(request: WatchRequest, sink: ObjectWatchSink<KubeObject>): () => void {
    return this.#watch(request, {
      onEvents: events =>
        sink.onEvents(events.map(({ type, object }) => ({ type, object: object.object() }))),
      onBookmark: revision => sink.onEvents([bookmark(request, revision)]),
      onEnd: error => sink.onEnd(error),
    });
  }

  watchEncoded(request: WatchRequest, sink: EncodedWatchSink): () => void {
    const { fields } = request;
    return this.#watch(request, {
      onEvents: events =>
        sink.onEvents(
          events.map(({ type, object }) => ({ type, json: jsonForInformer(object, fields) })),
        ),
      onBookmark: revision => {
        const { type, object } = bookmark(request, revision);
        sink.onEvents([{ type, json: [toJson(object)] }]);
      },
      onEnd: error => sink.onEnd(error),
    });
  }

  /** Throws when the plugin may not, or when the name is taken. */
  provide<T>(point: ExtensionPoint<T>, name: string, value: T): Disposer {
    assertMayProvide(point, this.#contributor);
    if (this.#contributor.remote) assertComplete(point, value);
    const { plugin, remote } = this.#contributor;
    return this.#extensions.provide(point, { name, plugin, value, remote });
  }

  subscribe<T>(
    point: ExtensionPoint<T>,
    onChange: (contributions: readonly Offer<T>[]) => void,
  ): Disposer {
    const tell = () => onChange([...this.#extensions.list(point)]);
    const dispose = this.#extensions.onChange(point, tell);
    tell();
    return dispose;
  }

  log(level: LogLevel, message: string, fields: LogFields): void {
    this.#log[level](message, fields);
  }

  metric(record: MetricRecord): void {
    this.#metrics.record(this.plugin, record);
  }

  async #one(request: ObjectRequest): Promise<BatchResult> {
    try {
      // The door takes bodies over; the caller's object must stay the caller's.
      const body = request.body === undefined ? undefined : cloneJson(request.body);
      const answer = await this.#door.request(this.user, { ...request, body });
      return { ok: true, object: toObject(answer) };
    } catch (error) {
      return { ok: false, error: toApiError(error) };
    }
  }

  async #oneEncoded(request: ObjectRequest): Promise<EncodedResult> {
    try {
      return { ok: true, json: toJsonPieces(await this.#door.request(this.user, request)) };
    } catch (error) {
      return { ok: false, error: toApiError(error) };
    }
  }

  /** Starts at once; a refusal comes to `onEnd`. */
  #watch(request: WatchRequest, sink: LinkSink): () => void {
    let open = true;
    let watch: DoorWatch | undefined;
    const end = (error: ApiError) => {
      if (!open) return;
      open = false;
      sink.onEnd(error);
    };
    const live: EventSink = {
      onEvents: events => {
        if (open) sink.onEvents(events);
      },
      onBookmark: revision => {
        if (open) sink.onBookmark(revision);
      },
      onEnd: () => end(expired('The watch was ended by the server')),
    };
    const full = {
      ...request,
      shape: { name: 'object' as const },
      allowBookmarks: true,
      sendInitialEvents: request.resourceVersion === undefined,
    };
    this.#door.watchEvents(this.user, full, live).then(
      opened => {
        if (open) watch = opened;
        else opened.close();
      },
      (error: unknown) => end(toApiError(error)),
    );
    return () => {
      open = false;
      watch?.close();
    };
  }
}

interface LinkSink {
  onEvents(events: readonly ChannelEvent[]): void;
  onBookmark(revision: number): void;
  onEnd(error: ApiError): void;
}

/** Who a plugin is at the door. */
export function pluginUser(plugin: string): User {
  return {
    name: `system:plugin:${plugin}`,
    groups: ['system:plugins', 'system:authenticated'],
  };
}

/** An answer as plain data: what an HTTP client would have parsed. */
export function toObject(answer: DoorAnswer): unknown {
  if (answer.type === 'value') return answer.value;
  if (answer.type === 'object') return answer.object.object();
  const { kind, version } = answer;
  return {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf({ group: kind.group, version: version.name }),
    metadata: {
      resourceVersion: answer.resourceVersion,
      ...(answer.continue && { continue: answer.continue }),
      ...(answer.remainingItemCount && { remainingItemCount: answer.remainingItemCount }),
    },
    items: answer.items.map(item => item.object()),
  };
}

function bookmark(request: WatchRequest, revision: number): WatchEvent<KubeObject> {
  const apiVersion = apiVersionOf(request);
  return {
    type: 'BOOKMARK',
    object: { apiVersion, metadata: { resourceVersion: String(revision) } },
  };
}

/** An answer as JSON in pieces, from the bytes that are there already. */
function toJsonPieces(answer: DoorAnswer): Uint8Array[] {
  if (answer.type === 'value') return [toJson(answer.value)];
  if (answer.type === 'object') return [answer.object.head, answer.object.tail];
  const list = toObject({ ...answer, items: [] }) as object;
  const start = JSON.stringify(list).slice(0, -']}'.length);
  const pieces: Uint8Array[] = [Buffer.from(start)];
  for (const [i, { head, tail }] of answer.items.entries()) {
    if (i > 0) pieces.push(COMMA);
    pieces.push(head, tail);
  }
  pieces.push(Buffer.from(']}'));
  return pieces;
}

function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

const COMMA = Buffer.from(',');

function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : internalError(error);
}
