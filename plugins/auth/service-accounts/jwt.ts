import { sign, verify } from 'node:crypto';
import type { Algorithm, SigningKey, VerificationKey } from './signing-key.ts';

/** A token taken apart, none of it believed yet. */
export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the signature is of. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** The compact form of a JWS. */
export function signJwt(claims: object, key: SigningKey): string {
  const signed = `${encode({ alg: key.algorithm, kid: key.kid })}.${encode(claims)}`;
  const signature = sign(HASHES[key.algorithm], Buffer.from(signed), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${signed}.${signature.toString('base64url')}`;
}

/** Undefined: it is no such token. */
export function parseJwt(token: string): Jwt | undefined {
  const [, header = '', claims = '', signature = ''] = COMPACT.exec(token) ?? [];
  const decoded = { header: decode(header), claims: decode(claims) };
  if (decoded.header === undefined || decoded.claims === undefined) return undefined;
  return {
    header: decoded.header,
    claims: decoded.claims,
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/**
 * Whether one of the keys made the signature. The algorithm is the key's: what the token says of
 * it must agree and decides nothing.
 */
export function isSigned(
  { header, signed, signature }: Jwt,
  keys: readonly VerificationKey[],
): boolean {
  const { kid, alg, crit } = header;
  // An extension that must be understood is not.
  if (crit !== undefined) return false;
  const data = Buffer.from(signed);
  return keys.some(
    ({ kid: own, algorithm, publicKey }) =>
      (kid === undefined || kid === own) &&
      alg === algorithm &&
      verify(HASHES[algorithm], data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature),
  );
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
const HASHES: Readonly<Record<Algorithm, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};
