import { formatHostPort } from './target.ts';

/** No answer came from a backend. The message says why, in the words that a Go client would use. */
export class BackendError extends Error {
  override name = 'BackendError';
}

export function backendError(error: unknown, target: { host: string; port: number }): BackendError {
  if (error instanceof BackendError) return error;
  const { code = '', message = String(error) } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  const address = formatHostPort(target);
  const words = WORDS[code]?.(address, message);
  const verdict = VERIFY[code];
  const why = words ?? (verdict === undefined ? message : `${TLS}${verdict}`);
  return new BackendError(why, { cause: error });
}

export function refused(target: { host: string; port: number }): BackendError {
  return backendError({ code: 'ECONNREFUSED' }, target);
}

export function dialTimeout(target: { host: string; port: number }): BackendError {
  return new BackendError(`dial tcp ${formatHostPort(target)}: i/o timeout`);
}

export const NO_TLS = 'http: server gave HTTP response to HTTPS client';
export const TLS_WANTED = 'client sent an HTTP request to an HTTPS server';

type Words = (address: string, message: string) => string;

const WORDS: Readonly<Record<string, Words>> = {
  ECONNREFUSED: address => `dial tcp ${address}: connect: connection refused`,
  EHOSTUNREACH: address => `dial tcp ${address}: connect: no route to host`,
  ENETUNREACH: address => `dial tcp ${address}: connect: network is unreachable`,
  ETIMEDOUT: address => `dial tcp ${address}: connect: connection timed out`,
  ENOTFOUND: address => `dial tcp: lookup ${address.replace(/:\d+$/, '')}: no such host`,
  // Also of one that closes a connection without an answer.
  ECONNRESET: () => 'EOF',
  ERR_SSL_WRONG_VERSION_NUMBER: () => NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: () => NO_TLS,
  EPROTO: (_address, message) => (/wrong version|packet length/.test(message) ? NO_TLS : message),
};

const TLS = 'tls: failed to verify certificate: x509: ';
const UNKNOWN = 'certificate signed by unknown authority';
const EXPIRED = 'certificate has expired or is not yet valid';
const VERIFY: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
  CERT_SIGNATURE_FAILURE: UNKNOWN,
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: EXPIRED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is not valid for the name of the service',
};
