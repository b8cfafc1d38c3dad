import { definePoint } from './extension.ts';
import type { User } from './request.ts';

/** What plugins and the door note about a request, by qualified names: first come, first kept. */
export type AuditAnnotations = Record<string, string>;

/** A request as its headers tell it, and who sent it. */
export interface AuditedRequest {
  /** Path and query as they came. */
  readonly requestUri: string;
  readonly path: string;
  /** Kubernetes' verb; of a path that is no resource the HTTP method in lower case. */
  readonly verb: string;
  /** Who proved to be so. No name: the credentials were refused. */
  readonly requester: User;
  /** In whose name, where that is somebody else. */
  readonly impersonated?: User;
  /** From the client's own words to the connection's address. */
  readonly sourceIps: readonly string[];
  readonly userAgent: string;
  readonly target?: AuditedTarget;
  /** The client's name for the request; absent: it gets one. */
  readonly auditId?: string;
}

export interface AuditedTarget {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Keeps a log of who did what. In the kernel's thread; called within requests, so that it must
 * not wait for anything.
 */
export interface Auditor {
  /** Undefined: nothing is to be known of this request. */
  begin(request: AuditedRequest): AuditTrail | undefined;
}

/** What happens to one request. Its methods are called in this order, each at most once. */
export interface AuditTrail {
  readonly id: string;
  /** Whoever works on the request may add to it until it is complete. */
  readonly annotations: AuditAnnotations;
  /** Whether objects are wanted: nobody need copy what is not. */
  readonly wantsRequest: boolean;
  readonly wantsResponse: boolean;
  /** The body as plain data. */
  requestObject(object: unknown): void;
  /** The answer's JSON. */
  responseObject(json: Uint8Array): void;
  /** A watch begins to be answered. */
  responseStarted(code: number): void;
  /** `status`: a failure's, or a Status that is the answer. */
  complete(outcome: {
    readonly code: number;
    readonly status?: object;
    readonly panic: boolean;
  }): void;
}

export const auditorPoint = definePoint<Auditor>({
  name: 'auditor',
  combine: 'unique',
  methods: [],
});
