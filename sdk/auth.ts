import { definePoint } from './extension.ts';
import type { User, Verb } from './request.ts';

/** Finds out who sends a request. The first that claims it wins; nobody: 401 (or anonymous). */
export interface Authenticator {
  /**
   * Undefined: these are not credentials of my sort. Throws an `ApiError` (Unauthorized) when they
   * are, and are bad.
   */
  authenticate(
    credentials: Credentials,
  ): Authenticated | undefined | Promise<Authenticated | undefined>;
}

/** Who it is, and for whom the credentials were made out. */
export interface Authenticated extends User {
  /** Of those asked for, the audiences that a token is good for. Absent: it names none. */
  readonly audiences?: readonly string[];
}

export interface Credentials {
  /** `Authorization` header, as sent. */
  readonly authorization?: string;
  /** Subject of a client certificate that the listener's CA signed. */
  readonly certificate?: {
    readonly commonName: string;
    readonly organizations: readonly string[];
    /** SHA-256 of the whole certificate, in hex. */
    readonly fingerprint?: string;
  };
  /** A token must be good for one of these. Absent: for the API server. */
  readonly audiences?: readonly string[];
}

/** Says whether a user may do something. The first `allow` or `deny` decides; nobody: denied. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>;
  /** What it would allow the user in a namespace; for reviews, never for a decision. */
  rules?(user: User, namespace: string): ResolvedRules;
}

/** `reason` is for reviews and the audit log, and ends the message to who was denied. */
export type Decision =
  | AuthorizerVerdict
  | { readonly verdict: AuthorizerVerdict; readonly reason: string };

export type AuthorizerVerdict = 'allow' | 'deny' | 'no-opinion';

/** The answer of all authorizers together. */
export interface Review {
  readonly allowed: boolean;
  /** An authorizer said no; without it, nobody said yes. */
  readonly denied: boolean;
  readonly reason: string;
  /** An authorizer could not answer. */
  readonly evaluationError?: string;
}

/** As in SelfSubjectRulesReview. */
export interface ResolvedRules {
  readonly resources: readonly AllowedResources[];
  readonly paths: readonly AllowedPaths[];
  /** There may be more than these. */
  readonly incomplete: boolean;
}

export interface AllowedResources {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

export interface AllowedPaths {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly user: User;
  readonly verb: Verb | string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of a list, watch or deletecollection that has one. */
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** A request outside of resources: `/healthz`, `/apis`. */
export interface PathAttributes {
  readonly user: User;
  /** The HTTP method in lower case. */
  readonly verb: string;
  readonly path: string;
}

export const authenticatorPoint = definePoint<Authenticator>({
  name: 'authenticator',
  combine: 'first-claim',
  methods: [],
});

export const authorizerPoint = definePoint<Authorizer>({
  name: 'authorizer',
  combine: 'first-claim',
  methods: [],
});
