import { isSameSecret, type Secret, type User } from 'kernetes/sdk';

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

/** Undefined: it is no such token. */
export function parseToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Who has the token, going by its Secret; undefined: nobody. */
export function userOf(token: BootstrapToken, secret: Secret, now: number): User | undefined {
  const { id } = token;
  if (secret.metadata.deletionTimestamp || secret.type !== TYPE) return undefined;
  if (!isSameSecret(dataOf(secret, 'token-secret'), token.secret)) return undefined;
  if (dataOf(secret, 'token-id') !== id) return undefined;
  if (isExpired(dataOf(secret, 'expiration'), now)) return undefined;
  if (dataOf(secret, 'usage-bootstrap-authentication') !== 'true') return undefined;
  const extra = dataOf(secret, 'auth-extra-groups');
  const named = extra === '' ? [] : extra.split(',');
  if (!named.every(group => EXTRA_GROUP.test(group))) return undefined;
  const groups = [...new Set(['system:bootstrappers', ...named])].sort();
  return { name: `system:bootstrap:${id}`, groups: [...groups, 'system:authenticated'] };
}

function dataOf({ data = {} }: Secret, key: string): string {
  const encoded = Object.hasOwn(data, key) ? data[key] : undefined;
  return encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
}

/** A time that cannot be read is over. */
function isExpired(expiration: string, now: number): boolean {
  return expiration !== '' && !(Date.parse(expiration) > now);
}

const TYPE = 'bootstrap.kubernetes.io/token';
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
