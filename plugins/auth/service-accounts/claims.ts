import type { ServiceAccount } from 'kernetes/sdk';

/** The claims of a token that ends, in kube-apiserver's order. */
export interface TokenClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly 'kubernetes.io': AccountClaims;
  readonly nbf: number;
  readonly sub: string;
}

export interface AccountClaims {
  readonly namespace: string;
  readonly node?: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly serviceaccount: Reference;
  /** Seconds since the epoch: from then on somebody should have fetched a new one. */
  readonly warnafter?: number;
}

/** `uid` is absent of a node that did not exist when a pod's token was made. */
export interface Reference {
  readonly name: string;
  readonly uid?: string;
}

/** What a token in a Secret says. */
export interface LegacyClaims {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  readonly uid: string;
  readonly sub: string;
}

export const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const LEGACY_PREFIX = 'kubernetes.io/serviceaccount';

export function legacyClaims(account: ServiceAccount, secret: string, sub: string): object {
  const { namespace, name, uid } = account.metadata;
  return {
    iss: LEGACY_ISSUER,
    [`${LEGACY_PREFIX}/namespace`]: namespace,
    [`${LEGACY_PREFIX}/secret.name`]: secret,
    [`${LEGACY_PREFIX}/service-account.name`]: name,
    [`${LEGACY_PREFIX}/service-account.uid`]: uid,
    sub,
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Undefined: a claim is absent or is not what it must be. */
export function readLegacyClaims(claims: Fields): LegacyClaims | undefined {
  const read = (name: string) => text(claims[`${LEGACY_PREFIX}/${name}`]);
  const namespace = read('namespace');
  const secret = read('secret.name');
  const account = read('service-account.name');
  const uid = read('service-account.uid');
  const sub = text(claims.sub);
  return namespace && secret && account && uid && sub
    ? { namespace, secret, account, uid, sub }
    : undefined;
}

/** The same. A token without an end, or with a part that cannot be read, is none. */
export function readClaims(claims: Fields): TokenClaims | undefined {
  const account = readAccount(claims['kubernetes.io']);
  const aud = audiencesOf(claims.aud);
  const { exp, iat = 0, nbf = 0, iss, jti = '', sub } = claims;
  if (account === undefined || aud === undefined) return undefined;
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf)) return undefined;
  if (typeof iss !== 'string' || typeof jti !== 'string' || typeof sub !== 'string') {
    return undefined;
  }
  return { aud, exp, iat, iss, jti, 'kubernetes.io': account, nbf, sub };
}

function readAccount(value: unknown): AccountClaims | undefined {
  if (!isFields(value)) return undefined;
  const { namespace, warnafter } = value;
  const serviceaccount = readReference(value.serviceaccount);
  if (typeof namespace !== 'string' || !serviceaccount?.uid) return undefined;
  if (warnafter !== undefined && !isTime(warnafter)) return undefined;
  const bound: { node?: Reference; pod?: Reference; secret?: Reference } = {};
  for (const kind of ['node', 'pod', 'secret'] as const) {
    if (value[kind] === undefined) continue;
    const reference = readReference(value[kind]);
    if (reference === undefined) return undefined;
    bound[kind] = reference;
  }
  return {
    namespace,
    ...bound,
    serviceaccount,
    ...(warnafter !== undefined && { warnafter }),
  };
}

function readReference(value: unknown): Reference | undefined {
  if (!isFields(value)) return undefined;
  const { name, uid } = value;
  if (typeof name !== 'string' || name === '') return undefined;
  if (uid !== undefined && typeof uid !== 'string') return undefined;
  return { name, ...(uid && { uid }) };
}

/** One may stand by itself (RFC 7519). */
function audiencesOf(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value) || !value.every(each => typeof each === 'string')) return undefined;
  return value;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
