import { definePoint } from './extension.ts';
import type { User, Verb } from './request.ts';

/** Finds out who sends a request. The first that claims it wins; nobody: 401 (or anonymous). */
export interface Authenticator {
  /**
   * Undefined: these are not credentials of my sort. Throws an `ApiError` (Unauthorized) when they
   * are, and are bad.
   */
  authenticate(credentials: Credentials): User | undefined | Promise<User | undefined>;
}

export interface Credentials {
  /** `Authorization` header, as sent. */
  readonly authorization?: string;
  /** Subject of a client certificate that the listener's CA signed. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
}

/** Says whether a user may do something. The first `allow` or `deny` decides; nobody: denied. */
export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>;
}

export type Decision = 'allow' | 'deny' | 'no-opinion';

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
