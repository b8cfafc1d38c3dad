import { createHmac } from 'node:crypto';
import type { Secret } from 'kernetes/sdk';

/** What a bootstrap token signs with. */
export interface SigningToken {
  readonly id: string;
  readonly secret: string;
}

/** Undefined: the Secret is no token, is over, or must not sign. */
export function signingToken(
  { metadata: { name = '' }, type, data = {} }: Secret,
  now: number,
): SigningToken | undefined {
  const read = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const id = read('token-id');
  const secret = read('token-secret');
  if (type !== 'bootstrap.kubernetes.io/token' || name !== `bootstrap-token-${id}`)
    return undefined;
  if (!ID.test(id) || secret === '' || read('usage-bootstrap-signing') !== 'true') return undefined;
  const expiration = read('expiration');
  // What cannot be read as a time is over, as upstream.
  const isValid = expiration === '' || Date.parse(expiration) > now;
  return isValid ? { id, secret } : undefined;
}

/** A detached JSON Web Signature (RFC 7515, appendix F) of the text by the token. */
export function sign(text: string, { id, secret }: SigningToken): string {
  const header = encode(JSON.stringify({ alg: 'HS256', kid: id }));
  const signed = `${header}.${encode(text)}`;
  const signature = createHmac('sha256', secret).update(signed).digest('base64url');
  return `${header}..${signature}`;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

const ID = /^[a-z0-9]{6}$/;
