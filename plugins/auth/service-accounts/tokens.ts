import { createHash } from 'node:crypto';
import {
  type Authenticated,
  badCredentials,
  type Clock,
  type ObjectClient,
  serviceAccountGroups,
  serviceAccountUser,
} from 'kernetes/sdk';
import { checkLegacy, checkObjects } from './bound-objects.ts';
import {
  LEGACY_ISSUER,
  type LegacyClaims,
  readClaims,
  readLegacyClaims,
  type TokenClaims,
} from './claims.ts';
import { isSigned, parseJwt } from './jwt.ts';
import type { VerificationKey } from './signing-key.ts';

export interface TokensOptions {
  readonly issuer: string;
  readonly apiAudiences: readonly string[];
  readonly keys: readonly VerificationKey[];
  readonly clock: Clock;
  readonly objects: Pick<ObjectClient, 'get'>;
}

/** Claims that a key of ours signed. */
type Verified =
  | { readonly type: 'bound'; readonly claims: TokenClaims }
  | { readonly type: 'legacy'; readonly claims: LegacyClaims };

/**
 * Tells whose a token is. A signature is checked once and its claims are kept, by the token's hash,
 * for the tokens that were used last; whether they still hold is asked each time.
 */
export class Tokens {
  readonly #options: TokensOptions;
  /** The one used last is the last. */
  readonly #verified = new Map<string, Verified>();

  constructor(options: TokensOptions) {
    this.#options = options;
  }

  /** Undefined: not a token of ours. Rejects with Unauthorized when it is, and is bad. */
  async authenticate(
    token: string,
    audiences: readonly string[] = this.#options.apiAudiences,
  ): Promise<Authenticated | undefined> {
    const verified = this.#verify(token);
    if (verified === undefined) return undefined;
    const { objects, clock } = this.#options;
    if (verified.type === 'legacy') {
      const { claims } = verified;
      const good = this.#audiences(this.#options.apiAudiences, audiences);
      await checkLegacy(claims, token, objects);
      return { ...userOf(claims.namespace, claims.account, claims.uid), audiences: good };
    }
    const { claims } = verified;
    const now = clock.now();
    const good = this.#audiences(claims.aud, audiences);
    checkTimes(claims, now);
    await checkObjects(claims['kubernetes.io'], objects, now - LEEWAY_MS);
    const { namespace, serviceaccount } = claims['kubernetes.io'];
    const user = userOf(namespace, serviceaccount.name, serviceaccount.uid ?? '');
    return { ...user, ...extraOf(claims), audiences: good };
  }

  #verify(token: string): Verified | undefined {
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(hash);
    if (known !== undefined) {
      this.#verified.delete(hash);
      this.#verified.set(hash, known);
      return known;
    }
    const verified = this.#read(token);
    if (verified === undefined) return undefined;
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size < VERIFIED_MAX) break;
      this.#verified.delete(oldest);
    }
    this.#verified.set(hash, verified);
    return verified;
  }

  #read(token: string): Verified | undefined {
    const { issuer, keys } = this.#options;
    const jwt = parseJwt(token);
    const claimed = jwt?.claims.iss;
    if (jwt === undefined || (claimed !== issuer && claimed !== LEGACY_ISSUER)) return undefined;
    if (!isSigned(jwt, keys)) throw badCredentials('invalid signature');
    const verified =
      claimed === issuer
        ? { type: 'bound' as const, claims: readClaims(jwt.claims) }
        : { type: 'legacy' as const, claims: readLegacyClaims(jwt.claims) };
    const { claims } = verified;
    const account =
      verified.type === 'bound' ? boundAccount(verified.claims) : legacyAccount(verified.claims);
    if (claims === undefined || claims.sub !== account) {
      throw badCredentials('service account token claims could not be validated');
    }
    return verified as Verified;
  }

  #audiences(own: readonly string[], wanted: readonly string[]): string[] {
    const good = own.filter(each => wanted.includes(each));
    if (good.length > 0) return good;
    const why = `token audiences ${quoted(own)} is invalid for the target audiences ${quoted(wanted)}`;
    throw badCredentials(why);
  }
}

function boundAccount(claims: TokenClaims | undefined): string | undefined {
  if (claims === undefined) return undefined;
  const { namespace, serviceaccount } = claims['kubernetes.io'];
  return serviceAccountUser(namespace, serviceaccount.name);
}

function legacyAccount(claims: LegacyClaims | undefined): string | undefined {
  return claims && serviceAccountUser(claims.namespace, claims.account);
}

/** Clocks differ a little: a minute to either side, as upstream. */
function checkTimes({ exp, nbf, iat }: TokenClaims, now: number): void {
  if (now - LEEWAY_MS > exp * 1_000) throw badCredentials('service account token has expired');
  if (now + LEEWAY_MS < Math.max(nbf, iat) * 1_000) {
    throw badCredentials('service account token is not valid yet');
  }
}

function userOf(namespace: string, name: string, uid: string) {
  const groups = [...serviceAccountGroups(namespace), 'system:authenticated'];
  return { name: serviceAccountUser(namespace, name), uid, groups };
}

function extraOf({ jti, 'kubernetes.io': account }: TokenClaims) {
  const { pod, node } = account;
  const extra: Record<string, string[]> = {};
  const add = (name: string, value: string | undefined) => {
    if (value) extra[`authentication.kubernetes.io/${name}`] = [value];
  };
  add('credential-id', jti && `JTI=${jti}`);
  add('node-name', node?.name);
  add('node-uid', node?.uid);
  add('pod-name', pod?.name);
  add('pod-uid', pod?.uid);
  return Object.keys(extra).length > 0 ? { extra } : {};
}

/** As Go prints a list of strings. */
function quoted(texts: readonly string[]): string {
  return `[${texts.map(text => JSON.stringify(text)).join(' ')}]`;
}

const LEEWAY_MS = 60_000;
/** A token for each of as many pods as a large cluster's busy clients; about 2 MB. */
const VERIFIED_MAX = 4_096;
