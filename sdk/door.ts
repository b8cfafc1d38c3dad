import type { AuditAnnotations } from './audit.ts';
import type { Attributes, Authenticated, Credentials, ResolvedRules, Review } from './auth.ts';
import { definePoint } from './extension.ts';
import type { KubeObject } from './kind.ts';
import type { KindDefinition, KindVersion } from './kind-definition.ts';
import type { ObjectRequest, PatchType, User, Verb, WatchRequest } from './request.ts';
import type { Schema } from './schema.ts';

/**
 * The stages of the door that are plugins, and the door as a server sees it. All of it runs in the
 * kernel thread and only for plugins placed `inline`.
 */

/** Checks the form of what came in. One per cluster. */
export interface Decoder {
  /**
   * A new object of the schema's shape: fields that the schema lacks are dropped (and reported by
   * their path in `unknown`), `null`s that mean "absent" are dropped, quantities and times are
   * checked and brought to canonical form. Throws BadRequest on a wrong type.
   * The argument is not changed, and may be shared with the result where it needs no change.
   */
  decode(
    body: unknown,
    schema: Schema,
    kind: { group: string; version: string; kind: string },
  ): Decoded;
}

export interface Decoded {
  readonly object: KubeObject;
  /** `spec.nope` */
  readonly unknown: readonly string[];
}

export const decoderPoint = definePoint<Decoder>({
  name: 'decoder',
  combine: 'unique',
  methods: [],
});

/** Reads request bodies of media types beside JSON and YAML. */
export interface BodyCodec {
  /** Lower-case, without parameters: `application/vnd.kubernetes.protobuf`. */
  readonly mediaTypes: readonly string[];
  /**
   * The body as JSON.parse would have given it, apiVersion and kind included; `bytes` are not empty
   * and may not be kept. Throws BadRequest on a bad body, UnsupportedMediaType on a kind that has
   * no such form.
   */
  decode(bytes: Uint8Array): unknown;
}

export const bodyPoint = definePoint<BodyCodec>({ name: 'body', combine: 'unique', methods: [] });

/** Applies one type of patch; server-side apply is the `FieldManager`'s. */
export interface Patcher {
  readonly types: readonly PatchType[];
  /** Returns a new object; `live` is frozen. Throws BadRequest or Invalid on a bad patch. */
  patch(live: KubeObject, patch: unknown, context: PatchContext): KubeObject;
}

export interface PatchContext {
  readonly type: PatchType;
  readonly schema: Schema;
}

export const patcherPoint = definePoint<Patcher>({
  name: 'patcher',
  combine: 'unique',
  methods: [],
});

/** The form that a client wants answers in. */
export interface Shape {
  /** `object`: as it is. `Table` and `PartialObjectMetadata(List)`: by the contributed transform. */
  readonly name: 'object' | 'Table' | 'PartialObjectMetadata';
  /** Group version of the shape itself: `meta.k8s.io/v1`. */
  readonly apiVersion?: string;
  /** For tables: what stands beside the cells. */
  readonly includeObject?: 'None' | 'Metadata' | 'Object';
}

/** Turns objects of a served version into another shape. */
export interface ShapeTransform {
  readonly name: 'Table' | 'PartialObjectMetadata';
  /** One object as it stands in a watch or a get. `first`: headers are sent with it. */
  one(object: KubeObject, context: ShapeContext, first: boolean): object;
  list(objects: readonly KubeObject[], meta: object, context: ShapeContext): object;
}

export interface ShapeContext {
  readonly kind: KindDefinition;
  readonly version: KindVersion;
  readonly shape: Shape;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
}

export const shapePoint = definePoint<ShapeTransform>({
  name: 'shape',
  combine: 'unique',
  methods: [],
});

/** The one way in: what the kernel hands to servers. */
export interface Door {
  /** Throws Unauthorized. */
  authenticate(credentials: Credentials): Authenticated | Promise<Authenticated>;
  /**
   * Throws Forbidden unless allowed. For paths that are no resources. Who gives `annotations` to
   * this or the methods below finds there what the audit log should know.
   */
  authorize(attributes: Attributes, annotations?: AuditAnnotations): void | Promise<void>;
  /** The same as an answer, and why. Rejects only when an authorizer fails. */
  review(attributes: Attributes): Promise<Review>;
  /** All that the authorizers tell of what a user may do in a namespace. */
  rules(user: User, namespace: string): ResolvedRules;
  /** Does a request for `user`; rejects with `ApiError`. */
  request(user: User, request: ObjectRequest, annotations?: AuditAnnotations): Promise<DoorAnswer>;
  /**
   * Lets a connection to a subresource through: rejects unless it is authorized and admitted.
   * `object` is its options, for admission.
   */
  connect(
    user: User,
    target: ConnectTarget,
    object: KubeObject,
    annotations?: AuditAnnotations,
  ): Promise<void>;
  /** Opens a watch; resolves when it is accepted, rejects with `ApiError` before that. */
  watch(
    user: User,
    request: DoorWatchRequest,
    sink: DoorWatchSink,
    annotations?: AuditAnnotations,
  ): Promise<DoorWatch>;
  /** The kind and version behind a path; throws NotFound. */
  resolve(group: string, version: string, resource: string): ServedResource;
  /** Everything under which the same stored objects are served; throws NotFound. */
  equivalents(group: string, version: string, resource: string): readonly ServedResource[];
  /** An object of one served version as another of its `equivalents` shows it; not changed. */
  convert(
    from: ServedResource,
    object: KubeObject,
    to: ServedResource,
  ): KubeObject | Promise<KubeObject>;
  /** The newest revision in the cache. */
  revision(): number;
}

/** What a connection goes to. */
export type ConnectTarget = Pick<
  ObjectRequest,
  'group' | 'version' | 'resource' | 'namespace' | 'name'
> & { readonly verb: Verb; readonly subresource: string };

export interface ServedResource {
  readonly kind: KindDefinition;
  readonly version: KindVersion;
}

/**
 * The kernel contributes its one door. Who asks for it is in the kernel's thread and trusted: it
 * can do everything as everybody.
 */
export const doorPoint = definePoint<Door>({ name: 'door', combine: 'unique', methods: [] });

export type DoorAnswer =
  | {
      readonly type: 'object';
      readonly object: EncodedObject;
      readonly created: boolean;
      /** The HTTP status where it is neither 200 nor, for what was created, 201. */
      readonly code?: 202;
      readonly warnings: readonly string[];
    }
  | {
      readonly type: 'list';
      readonly items: readonly EncodedObject[];
      readonly resourceVersion: string;
      readonly continue: string;
      readonly remainingItemCount: number | undefined;
      readonly kind: KindDefinition;
      readonly version: KindVersion;
    }
  /** A Status, a Scale, a review: nothing stored. `code` is the HTTP status. */
  | {
      readonly type: 'value';
      readonly value: object;
      readonly code: number;
      readonly warnings: readonly string[];
    };

/** A stored object in a served version: bytes for the wire, decoded on demand and kept. */
export interface EncodedObject {
  /** `{"kind":…,"apiVersion":…,` */
  readonly head: Uint8Array;
  /** The rest, resourceVersion included: `"metadata":{…},…}`. */
  readonly tail: Uint8Array;
  /** Shared; not to be changed. */
  object(): KubeObject;
}

export interface DoorWatchRequest extends WatchRequest {
  readonly shape: Shape;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents?: boolean;
  readonly resourceVersionMatch?: string;
  /** Ends by itself after this long. */
  readonly timeoutSeconds?: number;
}

export interface DoorWatchSink {
  /**
   * Whole frames (`{"type":…,"object":…}\n`), one or more, ready for the wire. The array is shared
   * between watchers. Returns false when the receiver is over its bound: the watch is then closed.
   */
  write(frames: Uint8Array): boolean;
  /** The server ends the watch; an error has been written as an ERROR frame before. */
  end(): void;
}

export interface DoorWatch {
  close(): void;
}

/** Serves the door to a network. The kernel calls `listen` when a listener is first wanted. */
export interface Server {
  listen(door: Door, options: ListenOptions): Promise<Listening>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PEM of the CA whose client certificates are believed. */
  readonly clientCa: string;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Stops accepting, ends watches, waits for running requests up to a bound. */
  close(): Promise<void>;
}

export const serverPoint = definePoint<Server>({ name: 'server', combine: 'unique', methods: [] });

/** A path outside of resources, served by the server plugin: discovery, OpenAPI, health. */
export interface Route {
  /** Exact path, or a prefix that ends in `/*`. The longest match wins. */
  readonly path: string;
  handle(request: RouteRequest): RouteResponse | Promise<RouteResponse>;
}

export interface RouteRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly user: User;
}

export interface RouteResponse {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export const routePoint = definePoint<Route>({ name: 'route', combine: 'unique', methods: [] });
