import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { ApiPriority } from './api-priority.ts';
import { definePoint } from './extension.ts';
import type { ObjectRequest, User, Verb } from './request.ts';

/** One exchange of HTTP as it came, for what travels no objects. Who gets it answers it. */
export interface Exchange {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: ServerResponse | Http2ServerResponse;
  /**
   * The client would go on with the protocol of its `Upgrade` header. Who does not, answers by
   * `response`; who does, detaches it from the socket first.
   */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
}

/**
 * A subresource whose traffic is its own: proxy, exec, attach, port-forward, log. In the kernel's
 * thread. Upstream's `rest.Connecter`.
 */
export interface Connector {
  /** Of the object that it belongs to. */
  readonly group: string;
  readonly resource: string;
  /** `proxy` */
  readonly subresource: string;
  /** For discovery; any method is let through that a verb stands for. */
  readonly verbs: readonly Verb[];
  /** What discovery calls it: `PodProxyOptions`. */
  readonly kind: string;
  /**
   * The request is authorized and admitted; whether the object exists is the callee's to find out.
   * A rejection before anything was written is told as a Status.
   */
  connect(request: ConnectRequest, exchange: Exchange): Promise<void>;
}

export interface ConnectRequest {
  readonly user: User;
  readonly verb: Verb;
  readonly namespace: string;
  /** As it stands in the path; of a service perhaps `https:web:http`. */
  readonly name: string;
  /** What follows the subresource, encoded as it came: empty, or it begins with a slash. */
  readonly path: string;
  /** Without the question mark, as it came. */
  readonly query: string;
}

export const connectorPoint = definePoint<Connector>({
  name: 'connector',
  combine: 'unique',
  methods: [],
});

/** A group version that another server serves (API aggregation). In the kernel's thread. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  /** Absent: discovery does not tell of it. */
  readonly discovery?: RemoteDiscovery;
  /** The request is authorized as far as this server knows. */
  connect(user: User, exchange: Exchange): Promise<void>;
  /**
   * The same for plugins, whose requests are no HTTP: resolves with the answer's object, rejects
   * with `ApiError`. Absent: only HTTP's clients reach it.
   */
  request?(user: User, request: ObjectRequest): Promise<object>;
}

/** What discovery tells of a remote version; another contribution when it changes. */
export interface RemoteDiscovery {
  readonly priority: ApiPriority;
  /** As it told them last. */
  readonly resources: readonly RemoteResource[];
  /** It cannot be asked now. */
  readonly isStale: boolean;
}

/** Upstream's APIResourceDiscovery. */
export interface RemoteResource {
  readonly resource: string;
  readonly responseKind: RemoteResponseKind;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly {
    readonly subresource: string;
    readonly responseKind: RemoteResponseKind;
    readonly verbs: readonly string[];
  }[];
}

export interface RemoteResponseKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export const remoteVersionPoint = definePoint<RemoteVersion>({
  name: 'remoteVersion',
  combine: 'unique',
  methods: [],
});
